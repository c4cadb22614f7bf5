import picocolors from 'picocolors'
import {
  type Address,
  type Engine,
  EngineError,
  type EngineOptions,
  hasChanges,
  isBlocked,
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
          const shown = await renderPlan(document, running.json ? 'summary' : 'text', { color: color.stderr })
          io.stderr.write(
            running.json
              ? shown
              : `${shown}
`,
          )
          if (isBlocked(document)) return refuse(context, running, document)
          if (hasChanges(document)) await confirm(context, running, stopping)
          const progress = context.io.stderr.isTTY
            ? liveProgress(io.stderr, picocolors.createColors(color.stderr))
            : plainProgress(io.stderr, picocolors.createColors(color.stderr))
          const onEvent = (event: RunEvent) => {
            if (event.type === 'started') open.add(event.address)
            else if (event.type !== 'progress') open.delete(event.address)
            progress.event(event)
          }
          try {
            const result = await locked.apply(made.plan, made.snapshot, {
              drain: stopping.drain,
              abort: stopping.abort,
              onEvent,
              ...(running.parallelism !== undefined && { parallelism: running.parallelism }),
            })
            progress.end()
            return await conclude(context, running, document, result)
          } finally {
            progress.end()
          }
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

async function confirm({ io }: Context, { question }: Running, { drain }: Interrupts): Promise<void> {
  if (question === undefined) return
  const answer = await io.ask(`${question} Only "yes" is accepted: `, drain)
  if (answer.trim() === 'yes') return
  throw new EngineError('interrupted', 'nothing was changed, because the answer was not "yes"')
}

/** Resolves a while after the second signal, whatever still runs. */
function stoppedAtOnce({ abort }: Interrupts): Promise<number> {
  return new Promise(resolve => {
    abort.addEventListener('abort', () => setTimeout(() => resolve(exit.interrupted), grace), { once: true })
  })
}
