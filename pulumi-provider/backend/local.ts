import {
  type Address,
  type AppliedAlone,
  type Clock,
  createEngine,
  type Engine,
  EngineError,
  type ErrorCode,
  type Log,
  openStoreWhenWritten,
  type StateStore,
} from '../../engine/index.ts'
import type { ProviderSettings } from '../ports.ts'
import type { Backend, Backends, Told } from './backend.ts'
import { createSharedLock, type SharedLock } from './shared-lock.ts'

export interface LocalPorts {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Log
  readonly clock?: Clock
}

interface Opened {
  readonly owner: string
  readonly engine: Engine
  readonly lock: SharedLock
}

/** An engine in this process, on a state that is opened when it is first needed. */
export function createLocalBackends(settings: ProviderSettings, ports: LocalPorts): Backends {
  const { state, tenant, masterKeyFile, resolver, http01Listen } = settings
  const env = { ...ports.env, ...(masterKeyFile !== undefined && { TRUSTFORM_MASTER_KEY_FILE: masterKeyFile }) }
  const owners = new Map<string, Promise<Opened>>()
  let store: Promise<StateStore> | undefined

  function openState(): Promise<StateStore> {
    store ??= openStoreWhenWritten(state).catch(error => {
      store = undefined
      throw error
    })
    return store
  }
  async function open(owner: string): Promise<Opened> {
    const clock = ports.clock && { clock: ports.clock }
    const network = { ...(resolver !== undefined && { resolver }), ...(http01Listen !== undefined && { http01Listen }) }
    const shared = { tenant, env, network, log: ports.log, ...clock }
    const engine = await createEngine({ ...shared, state: await openState(), owner })
    return { owner, engine, lock: createSharedLock(engine) }
  }

  return {
    async ownedBy(owner) {
      const opened = owners.get(owner) ?? open(owner)
      owners.set(owner, opened)
      try {
        return backendOf(await opened)
      } catch (error) {
        // The next call tries again.
        if (owners.get(owner) === opened) owners.delete(owner)
        throw error
      }
    },
    async close() {
      for (const opened of await Promise.allSettled(owners.values())) {
        if (opened.status === 'rejected') continue
        const { engine, lock } = opened.value
        await lock.close()
        await engine.close()
      }
      await (await store)?.close()
    },
  }
}

const backends = new WeakMap<Opened, Backend>()

/** One for all who ask, so that they take turns at an address. */
function backendOf(opened: Opened): Backend {
  const known = backends.get(opened) ?? createBackend(opened)
  backends.set(opened, known)
  return known
}

function createBackend({ owner, engine, lock }: Opened): Backend {
  const turns = new Map<Address, Promise<unknown>>()
  return {
    owner,
    async plan(question) {
      const { plan, snapshot } = await engine.planAlone(question)
      const recorded = snapshot.resources.find(({ address }) => address === question.address)
      return { document: plan.document, around: snapshot.resources, ...(recorded && { recorded }) }
    },
    async apply(question, told) {
      const { address, signal = new AbortController().signal } = question
      const before = turns.get(address) ?? Promise.resolve()
      const mine = before.catch(() => {}).then(() => again(() => applyOnce(lock, question, signal, told)))
      turns.set(address, mine)
      try {
        return await mine
      } catch (error) {
        if (!signal.aborted || error instanceof EngineError) throw error
        const remedy = 'run the same command again: it goes on where it stopped'
        throw new EngineError('interrupted', `${address} was stopped on the way`, { address, remedy, cause: error })
      } finally {
        if (turns.get(address) === mine) turns.delete(address)
      }
    },
    look: (asked, options) => engine.look(asked, options),
    secrets: resource => engine.openSecrets(resource),
  }
}

async function applyOnce(
  lock: SharedLock,
  question: Parameters<Backend['apply']>[0],
  signal: AbortSignal,
  told: Told,
): Promise<AppliedAlone['plan']['document']> {
  const { plan, result } = await lock.run(
    signal,
    ({ holder, since }) =>
      told.waiting(
        `waits for the state, which \`${holder.operation}\` uses (process ${holder.pid} on ${holder.host}${since === undefined ? '' : `, since ${since}`})`,
      ),
    async locked => {
      const applied = await locked.applyAlone({
        ...question,
        abort: signal,
        onEvent: event => {
          if (event.type === 'left-open') told.leftOpen(event.error)
        },
      })
      // The lock has to hear of it too: it may be lost.
      const [failure] = applied.result.failed
      if (failure) throw failure.error
      return applied
    },
  )
  const [skipped] = result.skipped
  if (skipped) throw new EngineError('interrupted', 'it was stopped before it began', { address: skipped.address })
  return plan.document
}

/** Somebody else was faster: what is there now is looked at again. */
const overtaken: readonly ErrorCode[] = ['plan_stale', 'state_conflict', 'state_fenced']
const mostAttempts = 3

async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt >= mostAttempts || !(error instanceof EngineError) || !overtaken.includes(error.code)) throw error
    }
  }
}
