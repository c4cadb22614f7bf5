/**
 * The service with a trace that ends the process by SIGKILL at a border of a chosen span, as `crashing-cli.ts` does.
 * What the loop writes down is a span as well, named by what is in the commit: `commit:put run#1:start`.
 */
import { appendFileSync } from 'node:fs'
import { run } from '../../engine/cli/main.ts'
import type { StateStore, Trace } from '../../engine/index.ts'

const seen = new Map<string, number>()

function pass(border: string): void {
  if (process.env.TRACE_TO) appendFileSync(process.env.TRACE_TO, `${border}\n`)
  if (process.env.CRASH_AT === border) process.kill(process.pid, 'SIGKILL')
}

async function span<T>(name: string, work: () => Promise<T>): Promise<T> {
  const turn = (seen.get(name) ?? 0) + 1
  seen.set(name, turn)
  pass(`${name}#${turn}:start`)
  const result = await work()
  pass(`${name}#${turn}:end`)
  return result
}

const trace: Trace = { span: (name, _attributes, work) => span(name, work) }

type Commit = Parameters<StateStore['commit']>[1]

function nameOf({ mutations }: Commit): string {
  const parts = mutations.map(mutation => {
    if (mutation.type === 'put-record') return `put ${mutation.record.collection}`
    if (mutation.type === 'append-log') return `tell ${mutation.entry.type}`
    return mutation.type
  })
  return `commit:${parts.join(' ')}`
}

/** Only what the loop and its jobs write: what is written under the lease of an apply has spans of its own. */
const isOfLoop = ({ actor, lease }: Commit) =>
  lease === undefined && (actor.startsWith('git:') || actor === 'jobs' || actor === 'configuration')

const wrapStore = (store: StateStore): StateStore =>
  new Proxy(store, {
    get(target, property) {
      const value = Reflect.get(target, property, target) as unknown
      if (typeof value !== 'function') return value
      if (property !== 'commit') return value.bind(target)
      const commit: StateStore['commit'] = (tenant, each) =>
        isOfLoop(each) ? span(nameOf(each), () => target.commit(tenant, each)) : target.commit(tenant, each)
      return commit
    },
  })

process.exitCode = await run(
  process.argv.slice(2),
  {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    interactive: false,
    ask: () => Promise.reject(new Error('nobody is there to ask')),
    onInterrupt(listener) {
      process.on('SIGTERM', listener)
      return () => void process.off('SIGTERM', listener)
    },
  },
  { trace, wrapStore },
)
