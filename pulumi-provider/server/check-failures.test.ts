import { expect, test } from 'vitest'
import { type Properties, SecretValue } from '../ports.ts'
import { toCheckFailures, toUnnamedFailures } from './check-failures.ts'

const inputs: Properties = {
  size: 0,
  password: new SecretValue('canary'),
  tags: ['a', ''],
  credentials: { user: 'ann', key: new SecretValue('canary') },
  keys: ['a', new SecretValue('canary')],
}

const cases: [what: string, property: string, reason: string, want: [property: string, reason: string]][] = [
  ['the whole', '', 'is wrong', ['', 'is wrong']],
  ['a property', 'size', 'is nothing', ['size', 'is nothing']],
  ['a list', 'tags', 'is too long', ['tags', 'is too long']],
  ['what lies deeper', 'tags[1]', 'is empty', ['', 'tags[1]: is empty']],
  ['a secret', 'password', 'is too weak', ['', 'password: is too weak']],
  ['a secret that the reason names', 'password', 'the password is too weak', ['', 'the password is too weak']],
  ['below a secret', 'password.length', 'is short', ['', 'password.length: is short']],
  ['around a secret', 'credentials', 'is incomplete', ['', 'credentials: is incomplete']],
  ['around a secret in a list', 'keys', 'are too many', ['', 'keys: are too many']],
  ['a property that is missing', 'label', 'is missing', ['', 'label: is missing']],
  ['a name that objects have', 'constructor', 'is unknown', ['', 'constructor: is unknown']],
]
test.each(cases)('%s', (_what, property, reason, want) => {
  const failures = toCheckFailures([{ property, reason }], inputs)
  expect(failures.map(failure => [failure.getProperty(), failure.getReason()])).toEqual([want])
})

test('where secrets are not marked nothing is named', () => {
  const [failure] = toUnnamedFailures([{ property: 'state', reason: 'is no URL' }])
  expect([failure?.getProperty(), failure?.getReason()]).toEqual(['', 'state: is no URL'])
})
