import picocolors from 'picocolors'
import {
  type Address,
  type Engine,
  EngineError,
  type EngineOptions,
  hasChanges,
  isBlocked,
  type LockedEngine,
  type MadePlan,
  type RunEvent,
  renderPlan,
} from '../index.ts'
import type { Context } from './context.ts'
import { type Interrupts, interrupts } from './interrupts.ts'
import { exit } from './io.ts'
import { liveProgress } from './progress/live.ts'
import { plainProgress } from './progress/plain.ts'
import { conclude, refuse, stopWords, waitWords } from './run-report.ts'
import { withEngine } from './with-engine.ts'

/** A plan to make and run, under the state's lease from before it is made until its last write. */
export interface Running {
  /** For those who wait for the lease, and in answers: `apply`, `destroy`, `renew`. */
  readonly operation: string
  /** What a person is asked before anything is done; undefined where it was answered beforehand (`--yes`). */
  readonly question: string | undefined
  readonly json: boolean
  /** A saved plan was looked at when it was made. */
  readonly reviewed?: boolean
  readonly parallelism: number | undefined
  readonly network: NonNullable<EngineOptions['network']>
  make(engine: Engine, signal: AbortSignal): Promise<MadePlan>
}

/** Milliseconds that a run has to unwind after the second signal, so that the lease is given back. */
const grace = 1500

/** Locks, plans, shows, asks, runs and tells. Answers the exit code. */
export async function runPlan(context: Context, running: Running): Promise<number> {
  const { io, options, color } = context
  const mayAsk = io.interactive && options.input
  if (running.question !== undefined && !mayAsk) {
    throw new EngineError('usage', `${running.operation} needs --yes where nobody can be asked`, {
      remedy: 'look at the plan first, then add --yes',
    })
  }
  const open = new Set<Address>()
  const stopping = interrupts(io, which => io.stderr.write(stopWords(which, open)))
  const work = withEngine(
    context,
    engine =>
      engine.locked(
        running.operation,
        { signal: stopping.drain, onWait: lease => io.stderr.write(waitWords(lease)) },
        async locked => {
          const made = await running.make(engine, stopping.drain)
          const { document } = made.plan
          const brief = running.json || (running.reviewed && running.question === undefined && !isBlocked(document))
          const shown = await renderPlan(document, brief ? 'summary' : 'text', { color: color.stderr })
          io.stderr.write(brief ? shown : `${shown}\n`)
          if (isBlocked(document)) return refuse(context, running, document)
          if (hasChanges(document) && !(await confirmed(context, running, stopping))) {
            io.stderr.write('nothing was changed: the answer was not "yes"\n')
            return exit.error
          }
          return carryOut(context, running, locked, made, stopping, open)
        },
      ),
    { network: running.network },
  )
  try {
    return await Promise.race([work, stoppedAtOnce(stopping)])
  } finally {
    // Whatever it still says after it was given up is not waited for.
    work.catch(() => undefined)
    stopping.stop()
  }
}

/** Runs the plan with its progress on stderr; `open` holds what is running. */
async function carryOut(
  context: Context,
  running: Running,
  locked: LockedEngine,
  { plan, snapshot }: MadePlan,
  { drain, abort }: Interrupts,
  open: Set<Address>,
): Promise<number> {
  const { io, color } = context
  const paint = picocolors.createColors(color.stderr)
  const progress = io.stderr.isTTY ? liveProgress(io.stderr, paint) : plainProgress(io.stderr, paint)
  const onEvent = (event: RunEvent) => {
    if (event.type === 'started') open.add(event.address)
    else if (event.type !== 'progress') open.delete(event.address)
    progress.event(event)
  }
  const { parallelism } = running
  const result = await locked
    .apply(plan, snapshot, { drain, abort, onEvent, ...(parallelism !== undefined && { parallelism }) })
    .finally(() => progress.end())
  return conclude(context, running, plan.document, result)
}

async function confirmed({ io }: Context, { question }: Running, { drain }: Interrupts): Promise<boolean> {
  return question === undefined || (await io.ask(`${question} Only "yes" is accepted: `, drain)).trim() === 'yes'
}

/** Resolves a while after the second signal, whatever still runs. */
function stoppedAtOnce({ abort }: Interrupts): Promise<number> {
  return new Promise(resolve => {
    abort.addEventListener('abort', () => setTimeout(() => resolve(exit.interrupted), grace), { once: true })
  })
}
