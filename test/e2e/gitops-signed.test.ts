import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type GitServer, type ServedRepository, startGitServer } from '../servers/git.ts'
import type { CommitOptions } from '../servers/git-folder.ts'
import { endAgent, makePgpKey, makeSshKey, type SigningKey } from '../servers/git-signing.ts'
import { createScratch } from '../servers/scratch.ts'
import { type GitopsService, startGitopsService, until } from './gitops-service.ts'
import { createWorkspace, manifest, type Workspace } from './workspace.ts'

interface SourceView {
  readonly id: string
  readonly observed_commit?: string
  readonly applied_commit?: string
  readonly conditions: readonly { type: string; status: string; reason: string; message: string }[]
}

const scratch = createScratch('gitops-signed')
let git: GitServer
let ada: SigningKey
let mallory: SigningKey
let grace: SigningKey
let names = 0

beforeAll(async () => {
  git = await startGitServer()
  ada = await makeSshKey(scratch.path, 'ada')
  mallory = await makeSshKey(scratch.path, 'mallory')
  grace = await makePgpKey(scratch.path, 'grace')
})
afterAll(async () => {
  await endAgent(grace)
  await git.stop()
  scratch.remove()
})

let work: Workspace
let repository: ServedRepository
let service: GitopsService | undefined
beforeEach(async () => {
  work = createWorkspace('gitops-signed')
  repository = await git.create(`signed-${names++}.git`)
})
afterEach(async () => {
  await service?.stop()
  service = undefined
  work.remove()
})

const authorities = [
  manifest('CertificateAuthority', 'root', { type: 'root', commonName: 'Root CA', keyType: 'ec' }),
  manifest('Role', 'web', { ca: 'root', allowedDomains: ['corp.example'], allowSubdomains: true }),
].join('')

/** Files whose certificates are these. */
const declaring = (...certificates: string[]) => ({
  'base/ca.yaml': authorities,
  'base/certificates.yaml': certificates
    .map(name => manifest('Certificate', name, { role: 'web', domains: [`${name}.corp.example`] }))
    .join(''),
})

const by = ({ signing, env }: SigningKey, more: CommitOptions = {}): CommitOptions => ({ signing, env, ...more })
const signer = ({ publicKey }: SigningKey) => `ada@corp.example ${publicKey}\n`

/** Each keeps its keys in a file beside the configuration, as an operator does. */
const kinds: [what: string, key: () => SigningKey, policy: object, text: () => string, stranger: string][] = [
  [
    'SSH, by allowed signers',
    () => ada,
    { sshAllowedSigners: { file: 'keys/signers' } },
    () => `# who may sign\n${signer(ada)}`,
    'is signed with a key that is not allowed',
  ],
  [
    'PGP',
    () => grace,
    { pgpKeys: { file: 'keys/signers' } },
    () => grace.publicKey,
    'is signed with a key that is not allowed',
  ],
]

async function start(requireSignedBy: object): Promise<GitopsService> {
  const source = { name: 'infra', url: repository.url, paths: ['base'], interval: '5s', autoApply: true }
  service = await startGitopsService(work, [{ ...source, requireSignedBy }])
  return service
}

async function source(): Promise<SourceView> {
  const { data } = (await service?.get('/v1/sources')) as { data: SourceView[] }
  const [first] = data
  if (!first) throw new Error('the source is not listed')
  return first
}

/** Asks for a pass at once; what polling finds by itself is shown elsewhere. */
async function look(): Promise<void> {
  await service?.post(`/v1/sources/${(await source()).id}/reconcile`)
}

async function applied(commit: string): Promise<SourceView> {
  await look()
  return until(source, view => view.applied_commit === commit)
}

/** Waits until the source refuses this commit in these words: the condition follows the commit that was observed. */
async function refused(commit: string, words: string): Promise<void> {
  await look()
  const stalled = ({ conditions }: SourceView) => conditions.find(({ type }) => type === 'Stalled')
  const view = await until(
    source,
    each => each.observed_commit === commit && (stalled(each)?.message.includes(words) ?? false),
  )
  expect(stalled(view)).toMatchObject({ status: 'True', reason: 'SignatureRefused' })
  expect(view.conditions.find(({ type }) => type === 'Ready')?.status).toBe('False')
}

async function certificates(): Promise<string[]> {
  const { stdout } = await work.expect(0, ['list', '--json', '--state', 'sqlite:state.db'])
  const listed = JSON.parse(stdout) as { address: string }[]
  return listed.flatMap(({ address }) => /^Certificate\/(.+)/.exec(address)?.[1] ?? [])
}

const short = (commit: string) => commit.slice(0, 12)

test.each(
  kinds,
)('%s: the whole range counts, and mended history goes on', async (_what, key, policy, text, stranger) => {
  work.write('keys/signers', text())
  const first = await repository.commit(declaring('a'), by(key()))
  await start(policy)
  await applied(first)
  const second = await repository.commit(declaring('a', 'b'), by(key()))
  await applied(second)
  expect(await certificates()).toEqual(['a', 'b'])

  const hidden = await repository.commit(declaring('a', 'b', 'evil'), { message: 'Sneak in' })
  const tip = await repository.commit(declaring('a', 'b', 'evil', 'c'), by(key()))
  await refused(
    tip,
    `commit ${short(hidden)} "Sneak in" by Ada <ada@example.test> is not signed; nothing of it is applied ` +
      '(sign every commit, merges included, with a key that requireSignedBy names)',
  )
  const foreign = await repository.commit(declaring('a', 'b', 'evil'), by(mallory, { parents: [second] }))
  await refused(foreign, `commit ${short(foreign)} "Change" by Ada <ada@example.test> ${stranger}`)
  expect(await certificates()).toEqual(['a', 'b'])

  // Another date, or it would be a commit that is known already.
  const mended = await repository.commit(
    declaring('a', 'b', 'c'),
    by(key(), { parents: [second], date: '1700000100 +0000' }),
  )
  const view = await applied(mended)
  expect(view.conditions.find(({ type }) => type === 'Stalled')?.status).toBe('False')
  expect(await certificates()).toEqual(['a', 'b', 'c'])

  const rewritten = await repository.commit(declaring('a'), by(key(), { parents: [], message: 'Begin anew' }))
  await applied(rewritten)
  const unsigned = await repository.commit(declaring('a', 'evil'), { parents: [], message: 'Begin anew, unsigned' })
  await repository.commit(declaring('a', 'evil'), by(key(), { parents: [unsigned] }))
  const head = (await repository.git(['rev-parse', 'refs/heads/main'])).trim()
  await refused(head, `commit ${short(unsigned)} "Begin anew, unsigned"`)
  expect(await certificates()).toEqual(['a'])
})

test('a merge brings in only what is signed', async () => {
  const base = await repository.commit(declaring('a'), by(ada))
  await start({ sshAllowedSigners: signer(ada) })
  await applied(base)
  const topic = await repository.commit(declaring('a', 'b'), { branch: 'topic', parents: [base], message: 'Topic' })
  const merge = await repository.commit(declaring('a', 'b'), by(ada, { parents: [base, topic] }))
  await refused(merge, `commit ${short(topic)} "Topic"`)
  const signed = await repository.commit(declaring('a', 'b'), by(ada, { branch: 'topic', parents: [base] }))
  const good = await repository.commit(declaring('a', 'b'), by(ada, { parents: [base, signed] }))
  await applied(good)
})

test('since: older history is taken as it is, and pushing back below it is refused', async () => {
  const old = await repository.commit(declaring('a', 'old'))
  const since = await repository.commit(declaring('a'), { message: 'Last unsigned one' })
  const head = await repository.commit(declaring('a', 'b'), by(ada))
  await start({ sshAllowedSigners: signer(ada), since })
  await applied(head)
  await repository.point('refs/heads/main', old)
  await refused(old, 'lies below the commit from which on signatures count')
  expect(await certificates()).toEqual(['a', 'b'])
})

test('a key that was taken out of the file signs nothing more after a restart', async () => {
  work.write('keys/signers', signer(ada) + signer(mallory))
  const policy = { sshAllowedSigners: { file: 'keys/signers' } }
  const first = await repository.commit(declaring('a'), by(mallory))
  await start(policy)
  await applied(first)
  await service?.stop()
  work.write('keys/signers', signer(ada))
  const second = await repository.commit(declaring('a', 'evil'), by(mallory))
  await start(policy)
  await refused(second, 'is signed with a key that is not allowed')
  const third = await repository.commit(declaring('a', 'b'), by(ada, { parents: [first] }))
  await applied(third)
})
