import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  createEngine,
  type Engine,
  EngineError,
  fileSystem,
  type SourceFiles,
  systemPorts,
} from '../../engine/index.ts'
import { createWorld, type World } from '../fixtures/world.ts'
import type { StoredRun } from '../services.ts'
import type { Repository } from '../sources/repository.ts'
import { ownerOf, type Source } from '../sources/source.ts'
import { type PassResult, pass } from './pass.ts'
import type { LoopPorts } from './ports.ts'
import type { Trigger } from './runs.ts'
import { reconcileSource } from './work.ts'

let world: World
let folder: string
let engine: Engine
const env = { TRUSTFORM_MASTER_KEY: randomBytes(32).toString('base64') }
let source: Source
beforeEach(async () => {
  world = await createWorld()
  folder = mkdtempSync(join(tmpdir(), 'trustform-pass-'))
  mkdirSync(join(folder, 'pki'))
  source = await world.source('default', 'infra', { paths: [join(folder, 'pki')], autoApply: true })
  const { random } = await systemPorts()
  engine = await createEngine({ state: world.store, owner: ownerOf(source), env, random })
})
afterEach(async () => {
  await engine.close()
  await world.close()
  rmSync(folder, { recursive: true, force: true })
})

const authority = (name: string) =>
  JSON.stringify({
    apiVersion: 'trustform/v1',
    kind: 'CertificateAuthority',
    metadata: { name },
    spec: { type: 'root', commonName: name, keyType: 'ec' },
  })

const down = new EngineError('forge_failed', 'the forge is down')

const warned: unknown[] = []

/** A pass over a commit that declares these authorities, with a forge that is down. */
async function commit(head: string, ...names: string[]): Promise<PassResult> {
  return passOver(head, await fileSystem(), names)
}

async function passOver(head: string, files: SourceFiles, names: readonly string[] = []): Promise<PassResult> {
  const ports = await portsOver(head, files, names)
  const latest = (await world.services.sources.get('default', source.id)) ?? source
  const { signal } = new AbortController()
  return pass(ports, latest, { trigger: 'request', force: true, signal })
}

/** A pass with what comes of it; answers the runs that are kept, oldest first. */
async function reconcile(trigger: Trigger, head: string, ...names: string[]): Promise<StoredRun[]> {
  const ports = await portsOver(head, await fileSystem(), names)
  const job = { id: 'job', tenant: 'default', payload: {}, attempt: 1, isLast: false }
  await reconcileSource(ports, { ...job, signal: new AbortController().signal }, { source: source.id, trigger })
  return (await world.services.runs.list('default', {}, { limit: 50 })).items.toReversed()
}

async function portsOver(head: string, files: SourceFiles, names: readonly string[]): Promise<LoopPorts> {
  writeFileSync(join(folder, 'pki', 'all.yaml'), names.map(authority).join('\n---\n'))
  const { trace } = await systemPorts()
  const repository: Partial<Repository> = {
    fetch: async () => ({ head, refs: new Map() }),
    filesAt: () => files,
    isAncestor: async () => true,
  }
  const { clock, random } = world.services
  const log = { ...world.services.log, warn: (...words: unknown[]) => void warned.push(words) }
  const ports: Partial<LoopPorts> = {
    ...{ store: world.store, clock, random, trace, log, turn: work => work() },
    engineOf: async () => engine,
    signaturesOf: async () => undefined,
    repositoryOf: async () => repository as Repository, // what a pass asks of it
    forgeOf: () => Promise.reject(down),
  }
  return ports as LoopPorts // all that a pass touches
}

test('a look that finds nothing new takes the place of the last one; what people asked for and what was done stays', async () => {
  const [a, b] = ['a'.repeat(40), 'b'.repeat(40)]
  const told = (runs: readonly StoredRun[]) => runs.map(({ trigger, message }) => `${trigger}: ${message}`)
  const applied = `poll: applied 1 change at ${a.slice(0, 12)}`
  const looked = `drift: nothing to do at ${a.slice(0, 12)}`
  expect(told(await reconcile('poll', a, 'one'))).toEqual([applied])
  const [, first] = await reconcile('drift', a, 'one')
  const after = await reconcile('drift', a, 'one')
  expect(told(after)).toEqual([applied, looked])
  expect(after[1]?.id).not.toBe(first?.id)
  // A person asked, and another commit was seen.
  const asked = looked.replace('drift', 'request')
  expect(told(await reconcile('request', a, 'one'))).toEqual([applied, looked, asked])
  expect(told(await reconcile('poll', b, 'one'))).toHaveLength(4)
  expect(told(await reconcile('drift', b, 'one'))).toEqual([
    ...[applied, asked, `poll: nothing to do at ${b.slice(0, 12)}`, `drift: nothing to do at ${b.slice(0, 12)}`],
  ])
})

test('a source that stays stalled is told of once, and leaves one run and one look', async () => {
  const head = 'a'.repeat(40)
  const forge = { type: 'github', repository: 'infra/pki', token: { env: 'TOKEN' } } as const
  source = await world.services.sources.update(source, { ...source.spec, forge, autoApply: false }, 'test')
  const [stalled] = await reconcile('poll', head, 'one')
  for (let polls = 0; polls < 3; polls++) await reconcile('poll', head, 'one')
  const runs = await reconcile('poll', head, 'one')
  expect(runs.map(({ state }) => state)).toEqual(['failed', 'failed'])
  const jobs = (await world.store.jobs({ tenant: 'default' })).filter(({ queue }) => queue === 'commit-status')
  expect(jobs.map(({ payload }) => payload.run)).toEqual([stalled?.id])
})

test('what a pass was killed over is told by the next one', async () => {
  const [a, b] = ['a'.repeat(40), 'b'.repeat(40)]
  const forge = { type: 'github', repository: 'infra/pki', token: { env: 'TOKEN' } } as const
  source = await world.services.sources.update(source, { ...source.spec, forge, autoApply: false }, 'test')
  await reconcile('poll', a, 'one')
  // It saw the commit and got no further.
  await passOver(b, await fileSystem(), ['one'])
  await reconcile('poll', b, 'one')
  const jobs = (await world.store.jobs({ tenant: 'default' })).filter(({ queue }) => queue === 'commit-status')
  expect(jobs.map(({ payload }) => payload.commit)).toEqual([a, b])
})

test('a forge that is down holds up only what needs an approval that it knows of', async () => {
  expect(await commit('a'.repeat(40), 'one')).toMatchObject({ outcome: { type: 'ready' } })
  await world.plan(source, { pullRequest: 7, state: 'approved', commit: 'b'.repeat(40) })
  // Nothing that was approved for the pull request is in this commit.
  expect(await commit('c'.repeat(40), 'one', 'two')).toMatchObject({ outcome: { type: 'ready', reason: 'Applied' } })
  // The authority may go only if the pull request that says so was merged, and who knows that is down.
  expect(await commit('d'.repeat(40), 'two')).toMatchObject({
    outcome: { type: 'waiting', message: expect.stringContaining('the forge is down') },
  })
})

test('what was discarded is not asked for again until something else would be done', async () => {
  const { plans } = world.services
  source = await world.services.sources.update(source, { ...source.spec, autoApply: false }, 'test')
  const pending = async () => (await plans.list('default', { state: 'pending' }, { limit: 10 })).items
  expect(await commit('a'.repeat(40), 'one')).toMatchObject({ outcome: { reason: 'AwaitingApproval' } })
  const [plan] = await pending()
  if (!plan) throw new Error('nothing waits')
  const discarded = await plans.discard(plan, 'ada')
  expect(await commit('a'.repeat(40), 'one')).toMatchObject({
    outcome: { type: 'stalled', reason: 'Discarded', message: expect.stringContaining('discarded by ada; push') },
  })
  expect(await pending()).toEqual([])
  // Another commit is another question, also where it would do the same.
  expect(await commit('b'.repeat(40), 'one')).toMatchObject({ outcome: { reason: 'AwaitingApproval' } })
  expect(await plans.get('default', discarded.id)).toMatchObject({ state: 'superseded', discarded: { by: 'ada' } })
})

test('what was discarded and then approved is applied', async () => {
  const { plans } = world.services
  source = await world.services.sources.update(source, { ...source.spec, autoApply: false }, 'test')
  await commit('a'.repeat(40), 'one')
  const [plan] = (await plans.list('default', {}, { limit: 10 })).items
  if (!plan) throw new Error('nothing waits')
  await plans.approve(await plans.discard(plan, 'ada'), {}, 'ben')
  expect(await commit('a'.repeat(40), 'one')).toMatchObject({ outcome: { type: 'ready', reason: 'Applied' } })
  expect(await plans.get('default', plan.id)).toMatchObject({ state: 'applied', approvals: [{ by: 'ben' }] })
})

test('the words of a bug reach neither the outcome nor the run; the log tells where it is', async () => {
  const bug = new SyntaxError('Unexpected token in "hunter2"')
  const broken: SourceFiles = { ...(await fileSystem()), list: () => Promise.reject(bug) }
  const result = await passOver('a'.repeat(40), broken)
  expect(result.outcome).toMatchObject({ type: 'waiting', reason: 'InternalError' })
  const run = await world.store.record('default', 'run', result.runId ?? '')
  expect(run?.data).toMatchObject({ state: 'waiting' })
  expect(warned).toMatchObject([
    ['a pass failed by a bug', { error: 'SyntaxError', stack: expect.stringContaining('pass.test.ts') }],
  ])
  expect(JSON.stringify([result, run, warned])).not.toContain('hunter2')
})
