import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Runner } from './query.ts'
import { explain, isBusy } from './sqlite-error.ts'

/** Milliseconds for which another process may keep the database before we give up. */
export const defaultPatience = 10_000
/** Milliseconds between two attempts. */
const pause = 5
/** Writes in one transaction at most, so that the first of them does not wait for long. */
const largestGroup = 256

interface Write {
  readonly work: () => unknown
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

type Outcome = { readonly result: unknown } | { readonly error: unknown }

/** Writes of one connection, grouped. */
interface Writer {
  /** Runs `work` in a transaction that may be shared; resolves when its effect is durable. */
  write<T>(work: () => T): Promise<T>
  /** Resolves when nothing is waiting any more. */
  idle(): Promise<void>
}

/**
 * One fsync for all who write at the same time: what arrives within one turn of the event loop shares a transaction,
 * each write in a savepoint of its own so that a failing one leaves its neighbours alone.
 */
export function createWriter(database: DatabaseSync, runner: Runner, path: string, patience: number): Writer {
  const waiting: Write[] = []
  let draining: Promise<void> | undefined

  async function drain(): Promise<void> {
    await new Promise(resolve => setImmediate(resolve))
    while (waiting.length > 0) {
      await commitGroup(waiting.splice(0, largestGroup))
      await new Promise(resolve => setImmediate(resolve))
    }
    draining = undefined
  }

  async function commitGroup(group: readonly Write[]): Promise<void> {
    let outcomes: readonly Outcome[]
    try {
      outcomes = await patiently(() => runGroup(group), patience)
    } catch (error) {
      // Disk full, I/O error: SQLite has undone the whole group. Alone, those that can succeed do.
      if (group.length > 1 && !isBusy(error)) for (const write of group) await commitGroup([write])
      else for (const write of group) write.reject(explain(error, path))
      return
    }
    group.forEach((write, index) => {
      const outcome = outcomes[index]
      if (outcome === undefined || 'error' in outcome) write.reject(explain(outcome?.error, path))
      else write.resolve(outcome.result)
    })
  }

  /** Without an `await` from BEGIN to COMMIT: reads share this connection. */
  function runGroup(group: readonly Write[]): Outcome[] {
    runner.exec('BEGIN IMMEDIATE')
    try {
      const outcomes = group.map(runOne)
      runner.exec('COMMIT')
      return outcomes
    } catch (error) {
      if (database.isTransaction) runner.exec('ROLLBACK')
      throw error
    }
  }

  function runOne({ work }: Write): Outcome {
    runner.exec('SAVEPOINT one')
    try {
      const result = work()
      runner.exec('RELEASE one')
      return { result }
    } catch (error) {
      // Some failures (disk full, I/O) may end the transaction itself: https://www.sqlite.org/lang_transaction.html
      if (!database.isTransaction) throw error
      runner.exec('ROLLBACK TO one')
      runner.exec('RELEASE one')
      return { error }
    }
  }

  return {
    write: <T>(work: () => T) =>
      new Promise<T>((resolve, reject) => {
        // `resolve` only ever gets what this very `work` returned.
        waiting.push({ work, resolve: resolve as (result: unknown) => void, reject })
        draining ??= drain()
      }),
    idle: async () => {
      while (draining !== undefined) await draining
    },
  }
}

/**
 * Runs `work`, waiting while another process has the database locked. The wait is ours and not SQLite's, because
 * SQLite's would stop this process's heartbeats.
 */
export async function patiently<T>(work: () => T, patience = defaultPatience): Promise<T> {
  const deadline = performance.now() + patience
  for (;;) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw error
    }
    await sleep(pause)
  }
}
