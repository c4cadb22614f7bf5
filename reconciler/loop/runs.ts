import { type JsonObject, type Mutation, newId, type StateStore, type StoredRecord } from '../../engine/index.ts'
import { type Outcome, ownerOf, type Source } from '../sources/source.ts'
import type { LoopPorts } from './ports.ts'

/** What made a run happen. */
export type Trigger = 'poll' | 'webhook' | 'request' | 'approval' | 'drift' | 'retry'

/** Whoever asked looks for what came of it. */
const asked: ReadonlySet<Trigger> = new Set<Trigger>(['request', 'approval'])

/** One pass over a source that had something to do; the record of `/v1/runs`. */
export interface Run {
  readonly sourceId: string
  readonly sourceName: string
  readonly trigger: Trigger
  readonly phase: 'fetch' | 'verify' | 'load' | 'plan' | 'apply' | 'ended'
  readonly state: 'running' | 'succeeded' | 'waiting' | 'failed' | 'interrupted'
  readonly commit?: string
  /** Counts of the plan by action. */
  readonly summary?: JsonObject
  readonly message?: string
  readonly startedAt: string
  readonly endedAt?: string
  /** Lines as the command line prints them, without secrets; bounded. */
  readonly log: readonly string[]
}

const collection = 'run'
/** Lines kept of one run; the last one is replaced beyond. */
const mostLines = 500

/** A run as it goes on. One that a dead process left running is ended by `endStaleRuns`. */
export interface RunLog {
  readonly id: string
  /** Kept in memory until the next durable step. */
  line(text: string): void
  phase(phase: Run['phase'], more?: Partial<Run>): Promise<void>
  /**
   * With `isNews` false it takes the place of the source's last such run, unless it applied something: a look every few
   * minutes would push out the runs that did.
   */
  end(outcome: Outcome, isNews: boolean): Promise<void>
}

export async function beginRun(ports: LoopPorts, source: Source, trigger: Trigger, commit: string): Promise<RunLog> {
  const { store, clock, random } = ports
  const id = newId('run', random)
  const lines: string[] = []
  const now = () => clock.now().toISOString()
  const { id: sourceId, spec } = source
  const started = { sourceId, sourceName: spec.name, trigger, commit, startedAt: now() }
  let run: Run = { ...started, phase: 'fetch', state: 'running', log: lines }

  let hasApplied = false

  async function write(named: { readonly name?: string } = {}, beside: readonly Mutation[] = []): Promise<void> {
    const data = { ...run, log: [...lines] } as unknown as JsonObject // JSON by construction
    const record = { collection, id, parent: sourceId, data, ...named }
    await store.commit(source.tenant, {
      mutations: [...beside, { type: 'put-record', record, expectedVersion: 'any' }],
      actor: ownerOf(source),
      at: now(),
    })
  }

  /** The last look that found nothing is known by its name, of which each source has one. */
  async function replaceLook(): Promise<void> {
    const name = `look ${sourceId}`
    const before = await store.recordNamed(source.tenant, collection, name)
    await write({ name }, before ? [{ type: 'delete-record', collection, id: before.id }] : [])
  }

  await write()
  return {
    id,
    line(text) {
      const line = `${now()} ${text}`
      if (lines.length < mostLines) lines.push(line)
      else lines[mostLines - 1] = line
    },
    async phase(phase, more = {}) {
      run = { ...run, ...more, phase }
      if (phase === 'apply') hasApplied = true
      await write()
    },
    async end({ type, message }, isNews) {
      const states = { ready: 'succeeded', waiting: 'waiting', stalled: 'failed' } as const
      run = { ...run, phase: 'ended', state: states[type], endedAt: now(), message }
      await (isNews || hasApplied || asked.has(trigger) ? write() : replaceLook())
    },
  }
}

/** Runs read at once: each holds its log, and there may be hundreds of every source. */
const batch = 100

/** At start no pass is running: what says so was left by a process that died. Answers how many there were. */
export async function endStaleRuns({ store, clock }: Pick<LoopPorts, 'store' | 'clock'>): Promise<number> {
  const at = clock.now().toISOString()
  let ended = 0
  for (const tenant of await store.tenants()) {
    for (let after: number | undefined; ; ) {
      const page = await store.records(tenant, { collection, limit: batch, ...(after !== undefined && { after }) })
      for (const record of page) {
        if (record.data.state !== 'running') continue
        await endStaleRun(store, tenant, record, at)
        ended++
      }
      after = page.at(-1)?.sequence
      if (page.length < batch) break
    }
  }
  return ended
}

async function endStaleRun(
  store: StateStore,
  tenant: string,
  { id, data, parent }: StoredRecord,
  at: string,
): Promise<void> {
  const message = 'the service was stopped; the next run goes on'
  const ended = { ...data, state: 'interrupted', phase: 'ended', endedAt: at, message }
  const record = { collection, id, data: ended, ...(parent !== undefined && { parent }) }
  await store.commit(tenant, {
    mutations: [{ type: 'put-record', record, expectedVersion: 'any' }],
    actor: 'service',
    at,
  })
}
