import { type Engine, EngineError } from '../../index.ts'
import type { Context, Define } from '../context.ts'
import { type RunningOptions, runningOf, withChallenges, withRunning } from '../planning.ts'
import { runPlan } from '../run-plan.ts'

interface Options extends RunningOptions {
  readonly due?: boolean
  readonly force?: boolean
}

export const define: Define = (command, action) => {
  command
    .argument('[address...]', 'renew these if they are due')
    .option('--due', 'renew everything that is due')
    .option('--force', 'renew the named ones whether they are due or not')
  withChallenges(withRunning(command, { asks: false })).action(action(renew))
}

async function renew(context: Context, addresses: readonly string[], options: Options): Promise<number> {
  if (addresses.length > 0 === (options.due ?? false)) {
    throw new EngineError('usage', 'renew needs either addresses or --due', {
      remedy: 'write trustform renew Certificate/NAME, or trustform renew --due',
    })
  }
  if (options.force && options.due) {
    throw new EngineError('usage', '--force renews named certificates, not all of them', {
      remedy: 'name their addresses instead of --due',
    })
  }
  return runPlan(context, {
    operation: 'renew',
    // A renewal takes nothing away, and timers call this command: it never asks.
    ...runningOf(options),
    async make(engine, signal) {
      await assertRecorded(engine, addresses)
      return engine.plan({ mode: 'renew', targets: addresses, force: options.force ? addresses : [], signal })
    },
  })
}

async function assertRecorded(engine: Engine, addresses: readonly string[]): Promise<void> {
  const { resources } = await engine.snapshot()
  const recorded = new Set<string>(resources.map(({ address }) => address))
  const unknown = addresses.filter(address => !recorded.has(address))
  if (unknown.length === 0) return
  throw new EngineError('not_found', `${unknown.join(', ')} is not recorded`, {
    remedy: '`trustform list` shows what exists',
  })
}
