import type { Address } from '../core/address.ts'
import { EngineError } from '../core/errors.ts'
import type { RecordedResource } from '../core/resource.ts'
import type { PlannedOperation } from '../planner/plan.ts'
import { sharedContext } from './context.ts'
import { failedEntries } from './entries.ts'
import { abandon, type Run, runOperation } from './operation.ts'
import type { ExecutorPorts, RunResult, RunSettings } from './ports.ts'
import { RecordedIndex } from './recorded.ts'
import { walk } from './schedule.ts'

/**
 * Runs a plan's operations: parallel where the graph allows, journalled, interruptible. It decides nothing; a
 * failure stops only what stands on it. `recorded` is the state that the plan was made on.
 */
export async function execute(
  operations: readonly PlannedOperation[],
  recorded: readonly RecordedResource[],
  ports: ExecutorPorts,
  settings: RunSettings,
): Promise<RunResult> {
  const known = new RecordedIndex(recorded)
  const left = await ports.store.operations(settings.tenant)
  const run: Run = {
    ports,
    settings,
    recorded: known,
    shared: sharedContext(ports, settings, known),
    open: new Map(left.map(operation => [operation.address, operation])),
  }
  await undoLeftovers(run, new Set(operations.map(operation => operation.address)))

  const done: Address[] = []
  const failed: { address: Address; error: unknown }[] = []
  const skipped: { address: Address; because: string }[] = []
  const { onEvent } = settings
  // A lost lease or a second interrupt starts nothing new either.
  const drain = AbortSignal.any([settings.drain, settings.abort])

  await walk(
    operations.map(operation => ({ key: operation.address, after: operation.after, operation })),
    settings.parallelism,
    drain,
    async ({ operation }) => {
      const { address, action } = operation
      const started = performance.now()
      onEvent({ type: 'started', address, action })
      try {
        await runOperation(run, operation)
        done.push(address)
        onEvent({ type: 'done', address, action, ms: performance.now() - started })
        return 'done'
      } catch (error) {
        failed.push({ address, error })
        await tellFailure(run, operation, error)
        onEvent({ type: 'failed', address, action, error })
        return 'failed'
      }
    },
    ({ operation: { address, action } }, because) => {
      const why = because === 'interrupted' ? 'interrupted before it began' : `${because.failed} failed`
      skipped.push({ address, because: why })
      onEvent({ type: 'skipped', address, action, because: why })
    },
  )
  return { done, failed, skipped, interrupted: drain.aborted }
}

/** The failure is told by the result anyhow; that it cannot be written down (disk full, lease lost) is a note. */
async function tellFailure(run: Run, operation: PlannedOperation, error: unknown): Promise<void> {
  const { store, clock, log } = run.ports
  const { tenant, actor, lease } = run.settings
  try {
    const mutations = failedEntries(run, operation, error)
    await store.commit(tenant, { mutations, lease, actor, at: clock.now().toISOString() })
  } catch (failure) {
    const code = failure instanceof EngineError ? failure.code : 'internal'
    log.debug('a failure is not in the event log', { address: operation.address, code })
  }
}

/** Removes what interrupted runs left outside for resources that this plan has nothing to do for. */
async function undoLeftovers(run: Run, acting: ReadonlySet<Address>): Promise<void> {
  for (const left of [...run.open.values()]) {
    if (acting.has(left.address) || !run.settings.settled(left)) continue
    const driver = run.ports.drivers.get(left.address.slice(0, left.address.indexOf('/')))
    if (!driver) throw new EngineError('kind_unknown', `no driver for ${left.address}`, { remedy: 'update trustform' })
    try {
      await abandon(run, left, driver)
    } catch (error) {
      run.settings.onEvent({ type: 'left-open', address: left.address, error })
    }
  }
}
