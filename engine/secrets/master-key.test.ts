import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { armor, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Secret } from '../core/secret.ts'
import { openStore } from '../state/open.ts'
import { createKeyFile } from './key-file.ts'
import { openKeyring } from './keyring.ts'
import { hasEncryptedState, loadMasterKey, type MasterKeySources, masterKey } from './master-key.ts'

const random = { bytes: (length: number) => randomBytes(length) }
const key = Buffer.from(Array.from({ length: 32 }, (_, n) => n * 7 + 1))
const id = masterKey(new Secret<Uint8Array>(key), '').id

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trustform-master-key-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const file = (name: string, content: string | Uint8Array, mode = 0o600) => {
  writeFileSync(join(folder, name), content, { mode })
  chmodSync(join(folder, name), mode)
  return join(folder, name)
}
const load = (env: MasterKeySources['env'], more: Partial<MasterKeySources> = {}) =>
  loadMasterKey({ env, random, mayCreate: true, ...more })

const spellings: [what: string, content: string | Uint8Array][] = [
  ['base64', key.toString('base64')],
  ['base64 with a newline', `${key.toString('base64')}\n`],
  ['base64url without padding', key.toString('base64url')],
  ['hex', key.toString('hex')],
  ['upper-case hex with white space', `  ${key.toString('hex').toUpperCase()}\r\n`],
  ['raw octets', key],
]
test.each(spellings)('a key file may hold %s', async (_what, content) => {
  const path = file('master.key', content)
  expect(await load({ TRUSTFORM_MASTER_KEY_FILE: path })).toMatchObject({ id, source: path, warnings: [] })
})
test.each(spellings.slice(0, 5))('TRUSTFORM_MASTER_KEY may be %s', async (_what, content) => {
  expect(await load({ TRUSTFORM_MASTER_KEY: String(content) })).toMatchObject({ id, source: 'TRUSTFORM_MASTER_KEY' })
})

test('the id is 16 hex digits and no part of the key', () => {
  expect(id).toMatch(/^[0-9a-f]{16}$/)
  expect(key.toString('hex')).not.toContain(id)
})

test.each(['binary', 'armored'])('a key file may be an age file (%s), opened with the identity file', async form => {
  const identity = await generateX25519Identity()
  const encrypter = new Encrypter()
  encrypter.addRecipient(await identityToRecipient(identity))
  const sealed = await encrypter.encrypt(`${key.toString('base64')}\n`)
  const env = {
    TRUSTFORM_MASTER_KEY_FILE: file('master.key.age', form === 'armored' ? armor.encode(sealed) : sealed),
    TRUSTFORM_AGE_IDENTITY_FILE: file('identity', `# made by age-keygen\n${identity}\n`),
  }
  expect((await load(env)).id).toBe(id)
  await expect(load({ ...env, TRUSTFORM_AGE_IDENTITY_FILE: undefined })).rejects.toMatchObject({
    code: 'secret_unresolved',
    remedy: expect.stringContaining('TRUSTFORM_AGE_IDENTITY_FILE'),
  })
  const stranger = file('stranger', await generateX25519Identity())
  const failure = await load({ ...env, TRUSTFORM_AGE_IDENTITY_FILE: stranger }).catch(error => error)
  expect(failure).toMatchObject({ code: 'secret_unresolved' })
  expect(inspect(failure, { depth: null })).not.toContain('AGE-SECRET-KEY')
})

const refused: [what: string, env: () => MasterKeySources['env'], code: string][] = [
  [
    'a named file that does not exist',
    () => ({ TRUSTFORM_MASTER_KEY_FILE: join(folder, 'none') }),
    'master_key_missing',
  ],
  ['a named file that is a folder', () => ({ TRUSTFORM_MASTER_KEY_FILE: folder }), 'master_key_missing'],
  ['a key that is too short', () => ({ TRUSTFORM_MASTER_KEY: 'c2hvcnQ=' }), 'master_key_wrong'],
  [
    'a passphrase instead of a key',
    () => ({ TRUSTFORM_MASTER_KEY_FILE: file('k', 'correct horse battery staple') }),
    'master_key_wrong',
  ],
  ['an endless file', () => ({ TRUSTFORM_MASTER_KEY_FILE: '/dev/zero' }), 'master_key_missing'],
  ['no home folder', () => ({}), 'master_key_missing'],
]
test.each(refused)('%s is refused without showing it', async (_what, env, code) => {
  const failure = await load(env()).catch(error => error)
  expect(failure).toMatchObject({ code, remedy: expect.any(String) })
  expect(inspect(failure, { depth: null })).not.toMatch(/correct horse|c2hvcnQ=/)
})

test('our own key is made once, 0600 in a 0700 folder, and found again', async () => {
  const env = { XDG_CONFIG_HOME: join(folder, 'config') }
  const made = await load(env)
  const path = join(folder, 'config', 'trustform', 'master.key')
  expect(made).toMatchObject({ source: path, warnings: [], created: true })
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(statSync(join(folder, 'config', 'trustform')).mode & 0o777).toBe(0o700)
  expect(readdirSync(join(folder, 'config', 'trustform'))).toEqual(['master.key'])
  expect((await load(env, { mayCreate: false })).id).toBe(made.id)
  expect((await load({ HOME: folder, XDG_CONFIG_HOME: '' })).source).toBe(
    join(folder, '.config', 'trustform', 'master.key'),
  )
})

test('processes that make it at once end with the same key', async () => {
  const program = `
    import { randomBytes } from 'node:crypto'
    import { loadMasterKey } from ${JSON.stringify(new URL('master-key.ts', import.meta.url).href)}
    const key = await loadMasterKey({ env: process.env, random: { bytes: n => randomBytes(n) }, mayCreate: true })
    process.stdout.write(key.id)`
  const run = async () => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      env: { XDG_CONFIG_HOME: folder },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', chunk => {
      text += chunk
    })
    await once(child, 'close')
    return text
  }
  const ids = await Promise.all([run(), run(), run(), run()])
  // In one process too, where they meet more closely.
  const more = await Promise.all(Array.from({ length: 20 }, () => load({ XDG_CONFIG_HOME: join(folder, 'two') })))
  expect(ids[0]).toMatch(/^[0-9a-f]{16}$/)
  expect(new Set(ids).size).toBe(1)
  expect(new Set(more.map(made => made.id)).size).toBe(1)
  expect(readdirSync(join(folder, 'two', 'trustform'))).toEqual(['master.key'])
})

test('who comes second to make a key file gets the first one, and leaves it', async () => {
  const path = join(folder, 'keys', 'master.key')
  const first = await createKeyFile(path, key, random)
  const second = await createKeyFile(path, randomBytes(32), random)
  expect(second.content.reveal()).toEqual(first.content.reveal())
  expect(readdirSync(join(folder, 'keys'))).toEqual(['master.key'])
})

test('when something is encrypted already, a missing key is not replaced by another', async () => {
  const env = { XDG_CONFIG_HOME: folder }
  await expect(load(env, { mayCreate: false })).rejects.toMatchObject({
    code: 'master_key_missing',
    message: expect.stringContaining(join(folder, 'trustform', 'master.key')),
  })
  expect(existsSync(join(folder, 'trustform'))).toBe(false)
})

test('a state is encrypted once any tenant has a data key', async () => {
  const store = await openStore('sqlite::memory:')
  await store.commit('plain', { mutations: [], actor: 'test', at: '' })
  expect(await hasEncryptedState(store)).toBe(false)
  const keyring = await openKeyring(store, 'acme', () => load({ XDG_CONFIG_HOME: folder }), {
    clock: { now: () => new Date() },
    random,
  })
  await keyring.prepare()
  expect(await hasEncryptedState(store)).toBe(true)
})

test('our own key is never put beside the state', async () => {
  mkdirSync(join(folder, 'trustform'))
  const failure = load({ XDG_CONFIG_HOME: folder }, { stateFolder: join(folder, 'x', '..', 'trustform') })
  await expect(failure).rejects.toMatchObject({ code: 'usage' })
  expect(readdirSync(join(folder, 'trustform'))).toEqual([])
})

const exposed: [mode: number, who: string | undefined][] = [
  [0o600, undefined],
  [0o400, undefined],
  [0o640, 'its group'],
  [0o644, 'everyone on this machine'],
]
test.each(exposed)('a key file of mode %o can be read by %s', async (mode, who) => {
  const { warnings } = await load({ TRUSTFORM_MASTER_KEY_FILE: file('k', key.toString('hex'), mode) })
  expect(warnings.map(warning => [warning.code, warning.message.split('read by ')[1]])).toEqual(
    who ? [['master_key_exposed', who]] : [],
  )
})

test('nothing that prints a master key shows it', async () => {
  const path = file('k', key.toString('hex'))
  const loaded = await load({ TRUSTFORM_MASTER_KEY_FILE: path })
  const shown = inspect(loaded, { depth: null, showHidden: true }) + JSON.stringify(loaded)
  expect(shown).toContain('(secret)')
  expect(shown).not.toContain(readFileSync(path, 'utf8'))
  expect(shown).not.toContain(key.toString('base64'))
})
