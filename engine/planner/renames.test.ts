import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import type { DesiredResource, RecordedResource } from '../core/resource.ts'
import { declared, lives, recorded, request } from './fixtures/question.ts'
import { plan } from './planner.ts'

const house = [declared('CertificateAuthority/root'), declared('Role/web')]
const standing = [recorded('CertificateAuthority/root', {}, lives(-100, 3550)), recorded('Role/web')]
const was = (name: string, spec: JsonObject = {}) => recorded(`Certificate/${name}`, spec, lives(-1, 89))
const is = (name: string, spec: JsonObject = {}) => declared(`Certificate/${name}`, spec)
const secret = (fingerprint: string) => ({ path: 's', data: { password: { $secret: fingerprint } } })

const hints = (desired: readonly DesiredResource[], recorded: readonly RecordedResource[]) => {
  const { document } = plan(request({ desired: [...house, ...desired], recorded: [...standing, ...recorded] }))
  return document.preflight.flatMap(({ code, level, remedy }) =>
    code === 'looks_renamed' ? [`${level}: ${remedy}`] : [],
  )
}
const moved = (from: string, to: string) =>
  `warning: if only the name changed, keep the object: trustform state mv ${from} ${to}`

const cases: [what: string, desired: DesiredResource[], recorded: RecordedResource[], want: string[]][] = [
  ['another name', [is('new')], [was('old')], [moved('Certificate/old', 'Certificate/new')]],
  ['another name and another field', [is('new', { autoRenew: false })], [was('old')], []],
  ['the old one stays', [is('old'), is('new')], [was('old')], []],
  ['nothing goes', [is('new')], [], []],
  ['nothing comes', [], [was('old')], []],
  ['two come for one that goes', [is('one'), is('two')], [was('old')], [moved('Certificate/old', 'Certificate/one')]],
  [
    'two new names for two',
    [is('a', { domains: ['a.corp.example'] }), is('b', { domains: ['b.corp.example'] })],
    [was('x', { domains: ['b.corp.example'] }), was('y', { domains: ['a.corp.example'] })],
    [moved('Certificate/y', 'Certificate/a'), moved('Certificate/x', 'Certificate/b')],
  ],
  [
    'secrets of which nothing can be said',
    [declared('Secret/new', secret('of-new'))],
    [recorded('Secret/old', secret('of-old'))],
    [moved('Secret/old', 'Secret/new')],
  ],
]
test.each(cases)('%s', (_what, desired, recorded, want) => expect(hints(desired, recorded)).toEqual(want))

describe('the order of changes', () => {
  test('what is destroyed goes from the leaves to the root', () => {
    const { document, operations } = plan(request({ mode: 'destroy', recorded: [...standing, was('www')] }))
    const want = ['Certificate/www', 'Role/web', 'CertificateAuthority/root']
    expect(document.changes.map(({ address }) => address)).toEqual(want)
    expect(operations.map(({ address }) => address)).toEqual(want)
  })

  test('what goes comes after what is made, as it is run', () => {
    const { document } = plan(request({ desired: [...house, is('new')], recorded: [...standing, was('old')] }))
    expect(document.changes.map(({ action, address }) => `${action} ${address}`)).toEqual([
      'no-op CertificateAuthority/root',
      'no-op Role/web',
      'create Certificate/new',
      'delete Certificate/old',
    ])
  })
})
