import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { armor, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SecretReference } from '../core/resource.ts'
import { Secret } from '../core/secret.ts'
import { createSecretResolver, type SecretPlace } from './resolve.ts'

const folder = mkdtempSync(join(tmpdir(), 'trustform-resolve-'))
afterAll(() => rmSync(folder, { recursive: true }))

const stored = new Map([
  ['infra/aws#key', 'stored-value'],
  ['infra/plain', 'whole-value'],
])
const env: Record<string, string | undefined> = {
  TOKEN: 'env-value',
  SPACED: ' a b\n',
  EMPTY: '',
  HUGE: 'x'.repeat(65_537),
}
const resolver = createSecretResolver({
  env,
  stored: async (path, field) => {
    const value = stored.get(field === undefined ? path : `${path}#${field}`)
    return value === undefined ? undefined : new Secret(value)
  },
})
const place: SecretPlace = { folder, address: 'DnsProvider/aws', position: { file: 'dns.yaml', line: 7, column: 9 } }
const age = { value: '', other: '', binary: '' }

beforeAll(async () => {
  mkdirSync(join(folder, 'sub'))
  for (const [name, content] of Object.entries({
    plain: 'file-value',
    newline: 'file-value\n',
    crlf: 'file-value\r\n',
    two: 'file-value\n\n',
    inner: 'a\nb\n',
    empty: '',
    blank: '\n',
    largest: 'x'.repeat(65_536),
    huge: 'x'.repeat(65_537),
    'sub/nested': 'nested-value',
  }))
    writeFileSync(join(folder, name), content)
  writeFileSync(join(folder, 'latin1'), Buffer.from([0x68, 0xe4]))
  const identity = await generateX25519Identity()
  writeFileSync(join(folder, 'identity'), `# comment\n\n${identity}\n`)
  env.TRUSTFORM_AGE_IDENTITY_FILE = join(folder, 'identity')
  const encryptFor = async (recipient: string, text: string) => {
    const encrypter = new Encrypter()
    encrypter.addRecipient(recipient)
    return armor.encode(await encrypter.encrypt(text))
  }
  age.value = await encryptFor(await identityToRecipient(identity), 'age-value\n')
  age.other = await encryptFor(await identityToRecipient(await generateX25519Identity()), 'hunter2')
})

const found: [what: string, reference: () => SecretReference, want: string][] = [
  ['an environment variable', () => ({ env: 'TOKEN' }), 'env-value'],
  ['an environment variable exactly as it is', () => ({ env: 'SPACED' }), ' a b\n'],
  ['a file beside the declaring file', () => ({ file: 'plain' }), 'file-value'],
  ['a file in a folder below', () => ({ file: './sub/nested' }), 'nested-value'],
  ['an absolute path', () => ({ file: join(folder, 'plain') }), 'file-value'],
  ['a file without its last newline', () => ({ file: 'newline' }), 'file-value'],
  ['a file without its last newline of two octets', () => ({ file: 'crlf' }), 'file-value'],
  ['a file without one of its newlines only', () => ({ file: 'two' }), 'file-value\n'],
  ['a file with newlines inside', () => ({ file: 'inner' }), 'a\nb'],
  ['the largest file', () => ({ file: 'largest' }), 'x'.repeat(65_536)],
  ['a field of a stored secret', () => ({ secret: 'infra/aws#key' }), 'stored-value'],
  ['a stored secret that is the value', () => ({ secret: 'infra/plain' }), 'whole-value'],
  ['an age value', () => ({ age: age.value }), 'age-value'],
  ['an age value indented by YAML', () => ({ age: `\n${age.value}\n` }), 'age-value'],
  ['a literal', () => ({ literal: new Secret('literal-value') }), 'literal-value'],
]
test.each(found)('%s is resolved', async (_what, reference, want) => {
  const value = await resolver.resolve(reference(), place)
  expect(value.reveal()).toBe(want)
  expect(inspect(value) + JSON.stringify(value)).not.toContain(want)
})

const unresolved: [what: string, reference: () => SecretReference, message: string][] = [
  ['a variable that is not set', () => ({ env: 'NOPE' }), 'the environment variable NOPE is not set'],
  ['a name that every object has', () => ({ env: 'constructor' }), 'the environment variable constructor is not set'],
  ['an empty variable', () => ({ env: 'EMPTY' }), 'the environment variable EMPTY is empty'],
  ['a huge variable', () => ({ env: 'HUGE' }), 'the environment variable HUGE is larger than 65536 octets'],
  ['a missing file', () => ({ file: 'none' }), `the file ${join(folder, 'none')} does not exist`],
  ['a folder', () => ({ file: 'sub' }), `the file ${join(folder, 'sub')} is a folder`],
  ['an empty file', () => ({ file: 'empty' }), 'the file empty is empty'],
  ['a file with a newline alone', () => ({ file: 'blank' }), 'the file blank is empty'],
  ['a huge file', () => ({ file: 'huge' }), `the file ${join(folder, 'huge')} is larger than 65536 octets`],
  ['an endless file', () => ({ file: '/dev/zero' }), 'the file /dev/zero is larger than 65536 octets'],
  ['a file that is no text', () => ({ file: 'latin1' }), `the file ${join(folder, 'latin1')} is not UTF-8 text`],
  ['an unknown stored secret', () => ({ secret: 'infra/none' }), 'there is no stored secret "infra/none"'],
  ['an unknown field', () => ({ secret: 'infra/aws#none' }), 'no stored secret "infra/aws" has a field "none"'],
  [
    'an age value for someone else',
    () => ({ age: age.other }),
    `the age value does not open with the identities in ${join(folder, 'identity')}`,
  ],
  [
    'a damaged age value',
    () => ({ age: age.value.replace(/^.{10}$/m, '').slice(0, -80) }),
    `the age value does not open with the identities in ${join(folder, 'identity')}`,
  ],
  ['an age value that is none', () => ({ age: 'hunter2' }), 'the age value is not an armored age file'],
]
test.each(unresolved)('%s is secret_unresolved at its place', async (_what, reference, message) => {
  const failure = await resolver.resolve(reference(), place).catch(error => error)
  expect(failure).toMatchObject({
    code: 'secret_unresolved',
    message,
    remedy: expect.any(String),
    address: place.address,
    position: place.position,
  })
  expect(inspect(failure, { depth: null })).not.toMatch(/hunter2|env-value|AGE-SECRET-KEY|xxxx/)
})

test('an age value without an identity file names the variable to set', async () => {
  const poor = createSecretResolver({ env: {}, stored: async () => undefined })
  await expect(poor.resolve({ age: age.value }, place)).rejects.toMatchObject({
    code: 'secret_unresolved',
    remedy: expect.stringContaining('TRUSTFORM_AGE_IDENTITY_FILE'),
    position: place.position,
  })
})

test('a file of this machine is not read for manifests of somebody else', async () => {
  const careful = createSecretResolver({ env, files: false, stored: async () => undefined })
  await expect(careful.resolve({ file: 'plain' }, place)).rejects.toMatchObject({ code: 'secret_unresolved' })
  await expect(resolver.resolve({ file: 'plain' }, place)).resolves.toBeInstanceOf(Secret)
})
