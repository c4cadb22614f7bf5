import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { EngineError, type Http } from '../../engine/index.ts'
import { openRepository } from '../../reconciler/sources/git/open-repository.ts'
import type { Repository } from '../../reconciler/sources/repository.ts'
import {
  createSignaturePolicy,
  type RequireSignedBy,
  requireSignedBy,
} from '../../reconciler/sources/signatures/policy.ts'
import { takeApart } from '../../reconciler/sources/signatures/signed-commit.ts'
import { verifySshSignature } from '../../reconciler/sources/signatures/ssh-signature.ts'
import { type CommitOptions, type GitFolder, makeBare, openGitFolder } from './git-folder.ts'
import { endAgent, makePgpKey, makeSshKey, type SigningKey } from './git-signing.ts'
import { createScratch } from './scratch.ts'

const scratch = createScratch('git-signatures')
let ada: SigningKey
let mallory: SigningKey
let pgp: SigningKey
let stranger: SigningKey
let count = 0
const opened: Repository[] = []

beforeAll(async () => {
  ada = await makeSshKey(scratch.path, 'ada')
  mallory = await makeSshKey(scratch.path, 'mallory')
  pgp = await makePgpKey(scratch.path, 'grace')
  stranger = await makePgpKey(scratch.path, 'stranger')
})
afterAll(async () => {
  await Promise.all(opened.map(each => each.close()))
  await Promise.all([pgp, stranger].map(endAgent))
  scratch.remove()
})

/** Nobody asks over http: the repositories are files here. */
const http: Http = { request: async () => ({ status: 501, headers: {}, body: new Uint8Array() }) }

async function origin(): Promise<GitFolder> {
  const path = join(scratch.path, `origin-${count++}.git`)
  mkdirSync(path)
  await makeBare(path)
  return openGitFolder(path)
}

async function fetched({ path }: GitFolder, limits = {}): Promise<{ repository: Repository; head: string }> {
  const folder = join(scratch.path, `cache-${count++}`)
  const repository = await openRepository({ folder, url: `file://${path}`, http, allowInsecure: true, limits })
  opened.push(repository)
  return { repository, head: (await repository.fetch('main')).head }
}

const by = ({ signing, env }: SigningKey, more: CommitOptions = {}): CommitOptions => ({ signing, env, ...more })
const signer = ({ publicKey }: SigningKey, options = '') => `ada@example.test ${options} ${publicKey}\n`

/** `accepted`, or what is wrong. */
async function verdict(required: RequireSignedBy, repository: Repository, from: string | undefined, to: string) {
  const policy = await createSignaturePolicy(required)
  try {
    await policy.check(repository, from, to)
    return 'accepted'
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'signature_refused') throw error
    return error.details?.reason ?? error.message
  }
}

const kinds: [what: string, type: string, bits?: number][] = [
  ['Ed25519', 'ed25519'],
  ['ECDSA P-256', 'ecdsa', 256],
  ['ECDSA P-384', 'ecdsa', 384],
  ['ECDSA P-521', 'ecdsa', 521],
  ['RSA', 'rsa', 3072],
]
test.each(
  kinds,
)('a commit signed with %s is accepted as ssh-keygen accepts it, and no other text', async (_what, type, bits) => {
  const key = await makeSshKey(scratch.path, `key-${count++}`, type, bits)
  const folder = await origin()
  await folder.commit({ 'a.yaml': '1' }, by(key, { message: 'Grüße\n\nmit Text' }))
  const { repository, head } = await fetched(folder)
  expect(await verdict({ sshAllowedSigners: signer(key) }, repository, undefined, head)).toBe('accepted')
  expect(await verdict({ sshAllowedSigners: signer(ada) }, repository, undefined, head)).toBe(
    'is signed with a key that is not allowed',
  )

  const parts = takeApart((await repository.commitObject(head)) ?? new Uint8Array())
  const signature = parts?.signature ?? ''
  const payload = parts?.payload ?? Buffer.alloc(0)
  expect(await sshKeygenAccepts(signature, payload, key)).toBe(true)
  const other = Buffer.concat([payload, Buffer.from('x')])
  expect([await sshKeygenAccepts(signature, other, key), verifySshSignature(signature, other)]).toEqual([
    false,
    undefined,
  ])
})

async function sshKeygenAccepts(signature: string, payload: Buffer, key: SigningKey): Promise<boolean> {
  const file = (name: string, content: string | Buffer) => {
    const path = join(scratch.path, `${name}-${count++}`)
    writeFileSync(path, content)
    return path
  }
  const args = [
    '-n',
    'git',
    '-I',
    'ada@example.test',
    '-s',
    file('sig', `${signature}\n`),
    '-f',
    file('allowed', signer(key)),
  ]
  const work = promisify(execFile)('ssh-keygen', ['-Y', 'verify', ...args])
  work.child.stdin?.end(payload)
  return work.then(
    () => true,
    () => false,
  )
}

test('a flipped bit anywhere in a signature is refused without failing', async () => {
  const folder = await origin()
  const head = await folder.commit({ 'a.yaml': '1' }, by(ada))
  const { repository } = await fetched(folder)
  const parts = takeApart((await repository.commitObject(head)) ?? new Uint8Array())
  if (parts?.signature === undefined) throw new Error('no signature')
  const lines = parts.signature.split('\n')
  const body = Buffer.from(lines.slice(1, -1).join(''), 'base64')
  expect(verifySshSignature(parts.signature, parts.payload)).toBeDefined()
  const accepted: number[] = []
  for (let bit = 0; bit < body.length * 8; bit++) {
    const changed = Buffer.from(body)
    changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    const armoured = [lines[0], changed.toString('base64'), lines.at(-1)].join('\n')
    if (verifySshSignature(armoured, parts.payload) !== undefined) accepted.push(bit)
  }
  expect(accepted).toEqual([])
})

test('a signature made for another purpose does not sign a commit', async () => {
  const folder = await origin()
  const signed = await folder.commit({ 'a.yaml': '1' }, by(ada))
  const { repository } = await fetched(folder)
  const parts = takeApart((await repository.commitObject(signed)) ?? new Uint8Array())
  if (!parts) throw new Error('no commit')
  const file = join(scratch.path, 'payload')
  writeFileSync(file, parts.payload)
  const sign = async (namespace: string) => {
    await promisify(execFile)('ssh-keygen', [
      '-q',
      '-Y',
      'sign',
      '-n',
      namespace,
      '-f',
      String(ada.signing['user.signingKey']),
      file,
    ])
    const text = readFileSync(`${file}.sig`, 'utf8')
    rmSync(`${file}.sig`)
    return text
  }
  expect(verifySshSignature(await sign('git'), parts.payload)).toBe(ada.publicKey.split(' ')[1])
  expect(verifySshSignature(await sign('file'), parts.payload)).toBeUndefined()
})

test('one unsigned commit anywhere in the range is named, however the tip is signed', async () => {
  const folder = await origin()
  const first = await folder.commit({ 'a.yaml': '1' }, by(ada))
  await folder.commit({ 'a.yaml': '2' }, { message: 'Sneak in' })
  const tip = await folder.commit({ 'a.yaml': '3' }, by(ada))
  const { repository } = await fetched(folder)
  const policy = await createSignaturePolicy({ sshAllowedSigners: signer(ada) })
  await expect(policy.check(repository, first, tip)).rejects.toThrow(
    /^commit [0-9a-f]{12} "Sneak in" by Ada <ada@example.test> is not signed; nothing of it is applied$/,
  )
})

test('what was applied before is not asked about again', async () => {
  const folder = await origin()
  const first = await folder.commit({ 'a.yaml': '1' })
  const tip = await folder.commit({ 'a.yaml': '2' }, by(ada))
  const { repository } = await fetched(folder)
  const required = { sshAllowedSigners: signer(ada) }
  expect(await verdict(required, repository, first, tip)).toBe('accepted')
  expect(await verdict(required, repository, tip, tip)).toBe('accepted')
  expect(await verdict(required, repository, undefined, tip)).toBe('is not signed')
  expect(await verdict({ ...required, since: first }, repository, undefined, tip)).toBe('accepted')
})

test('a branch that is pushed back below where signing began is refused', async () => {
  const folder = await origin()
  const old = await folder.commit({ 'a.yaml': '1' })
  const since = await folder.commit({ 'a.yaml': '2' })
  const { repository } = await fetched(folder)
  const required = { sshAllowedSigners: signer(ada), since }
  expect(await verdict(required, repository, undefined, old)).toBe(
    'lies below the commit from which on signatures count',
  )
  expect(await verdict(required, repository, undefined, since)).toBe('accepted')
})

test('a merge needs a signature of its own, and so does every commit that it brings in', async () => {
  const folder = await origin()
  const base = await folder.commit({ 'a.yaml': '1' }, by(ada))
  const main = await folder.commit({ 'a.yaml': '2' }, by(ada))
  const signed = await folder.commit({ 'b.yaml': '1' }, by(ada, { branch: 'topic', parents: [base] }))
  const unsigned = await folder.commit({ 'b.yaml': '2' }, { branch: 'other', parents: [base] })
  const required = { sshAllowedSigners: signer(ada) }
  const merges: [parents: string[], options: CommitOptions, want: string][] = [
    [[main, signed], by(ada), 'accepted'],
    [[main, signed], {}, 'is not signed'],
    [[main, unsigned], by(ada), 'is not signed'],
  ]
  for (const [parents, options, want] of merges) {
    await folder.commit({ 'a.yaml': '2', 'b.yaml': '1' }, { ...options, parents })
    const { repository, head } = await fetched(folder)
    expect(await verdict(required, repository, main, head)).toBe(want)
  }
})

test('a history longer than can be listed does not hide its unsigned beginning', async () => {
  const folder = await origin()
  const first = await folder.commit({ 'a.yaml': '0' })
  const hidden = await folder.commit({ 'a.yaml': '1' })
  for (const n of [2, 3, 4]) await folder.commit({ 'a.yaml': `${n}` }, by(ada))
  const { repository, head } = await fetched(folder, { commits: 3 })
  const required = { sshAllowedSigners: signer(ada) }
  for (const from of [undefined, first]) {
    expect(await verdict(required, repository, from, head)).toBe('more than 3 commits would have to be verified')
  }
  expect(await verdict(required, repository, hidden, head)).toBe('accepted')
})

test('a key counts only in its time, by the date that the commit names', async () => {
  const folder = await origin()
  await folder.commit({ 'a.yaml': '1' }, by(ada)) // 2023-11-14T22:13:20Z
  const { repository, head } = await fetched(folder)
  const cases: [options: string, want: string][] = [
    ['valid-after="20231114",valid-before="20231115"', 'accepted'],
    ['valid-after="20231114221320Z"', 'accepted'],
    ['valid-before="20231114221320Z"', 'is signed with a key that was not allowed at that time'],
    ['valid-after="20231115"', 'is signed with a key that was not allowed at that time'],
    ['namespaces="file,git"', 'accepted'],
  ]
  for (const [options, want] of cases) {
    expect([options, await verdict({ sshAllowedSigners: signer(ada, options) }, repository, undefined, head)]).toEqual([
      options,
      want,
    ])
  }
  const other = `${signer(ada, 'namespaces="file"')}${signer(mallory)}`
  expect(await verdict({ sshAllowedSigners: other }, repository, undefined, head)).toBe(
    'is signed with a key that is not allowed',
  )
})

test('a PGP key signs, a stranger does not, and each kind only where it is allowed', async () => {
  const folder = await origin()
  await folder.commit({ 'a.yaml': '1' }, by(pgp))
  const { repository, head } = await fetched(folder)
  const cases: [required: RequireSignedBy, want: string][] = [
    [{ pgpKeys: pgp.publicKey }, 'accepted'],
    [{ pgpKeys: `${stranger.publicKey}` }, 'has no good signature of an allowed PGP key'],
    [{ pgpKeys: pgp.publicKey, sshAllowedSigners: signer(ada) }, 'accepted'],
    [{ sshAllowedSigners: signer(ada) }, 'is signed with a kind of key that is not allowed'],
  ]
  for (const [required, want] of cases) expect(await verdict(required, repository, undefined, head)).toBe(want)
  await folder.commit({ 'a.yaml': '2' }, by(ada))
  const next = await fetched(folder)
  expect(await verdict({ pgpKeys: pgp.publicKey }, next.repository, head, next.head)).toBe(
    'is signed with a key that is not allowed',
  )
})

test.each([
  ['SSH', () => ada, () => ({ sshAllowedSigners: signer(ada) }), 'has a bad signature'],
  ['PGP', () => pgp, () => ({ pgpKeys: pgp.publicKey }), 'has no good signature of an allowed PGP key'],
] as const)('an %s signature moved to another commit is refused', async (_what, key, required, want) => {
  const folder = await origin()
  const text = await folder.git(['cat-file', 'commit', await folder.commit({ 'a.yaml': '1' }, by(key()))])
  const forged = (await folder.git(['hash-object', '-t', 'commit', '-w', '--stdin'], `${text}more\n`)).trim()
  await folder.point('refs/heads/main', forged)
  const { repository, head } = await fetched(folder)
  expect(await verdict(required(), repository, undefined, head)).toBe(want)
})

test('two signatures, of which the first is good, are refused', async () => {
  const folder = await origin()
  const signed = await folder.commit({ 'a.yaml': '1' }, by(ada))
  const text = await folder.git(['cat-file', 'commit', signed])
  const header = /^gpgsig [\s\S]*?END SSH SIGNATURE-----\n/m.exec(text)?.[0] ?? ''
  const doubled = text.replace(header, header + header.replace('gpgsig', 'gpgsig-sha256'))
  const forged = (await folder.git(['hash-object', '-t', 'commit', '-w', '--literally', '--stdin'], doubled)).trim()
  await folder.point('refs/heads/main', forged)
  const { repository, head } = await fetched(folder)
  expect(await verdict({ sshAllowedSigners: signer(ada) }, repository, undefined, head)).toBe(
    'is malformed or has several signatures',
  )
})

test('content put in place of a signed commit by refs/replace is not seen', async () => {
  const folder = await origin()
  const signed = await folder.commit({ 'a.yaml': 'good' }, by(ada))
  const evil = await folder.commit({ 'a.yaml': 'evil' }, { branch: 'evil', parents: [] })
  await folder.point(`refs/replace/${signed}`, evil)
  const { repository } = await fetched(folder)
  await repository.fetch('main', [`refs/replace/${signed}`])
  expect(Buffer.from(await repository.filesAt(signed).read('a.yaml', 100)).toString()).toBe('good')
})

test('keys that cannot be read are refused before anything is verified', async () => {
  const wrong: RequireSignedBy[] = [
    {},
    { sshAllowedSigners: '# nobody\n' },
    { sshAllowedSigners: 'ada@example.test ssh-ed25519 AAAA\n' },
    { sshAllowedSigners: signer(ada, 'cert-authority') },
    { sshAllowedSigners: signer(ada, 'valid-after="soon"') },
    { pgpKeys: 'none' },
  ]
  for (const required of wrong)
    await expect(createSignaturePolicy(required)).rejects.toMatchObject({ code: 'schema_violation' })
})

test('keys come as text, or from a file where the operator names one', async () => {
  const readText = async (path: string) => `content of ${path}`
  expect(await requireSignedBy({ sshAllowedSigners: { file: 'signers' }, pgpKeys: 'keys' }, readText)).toEqual({
    sshAllowedSigners: 'content of signers',
    pgpKeys: 'keys',
  })
  await expect(requireSignedBy({ sshAllowedSigners: { file: '/etc/passwd' } })).rejects.toMatchObject({
    code: 'schema_violation',
  })
})
