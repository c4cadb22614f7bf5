import { DiagnosticsError, EngineError } from '../core/errors.ts'

/**
 * Runs `work` on every item, at most `limit` at a time. After a failure nothing new starts, what runs is waited for,
 * and all failures are reported together.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const failures: unknown[] = []
  let next = 0
  async function worker(): Promise<void> {
    while (next < items.length && failures.length === 0) {
      const index = next++
      try {
        results[index] = await work(items[index] as T) // the index is below the length
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  throwTogether(failures)
  return results
}

/** Throws nothing, the one failure, or all of them as one; a bug among them wins. */
export function throwTogether(failures: readonly unknown[]): void {
  const bug = failures.find(each => !(each instanceof EngineError))
  if (bug !== undefined) throw bug
  const errors = failures.filter(each => each instanceof EngineError)
  if (errors.length > 1) {
    const different = new Map(errors.map(each => [each.message, each]))
    if (different.size > 1) throw new DiagnosticsError([...different.values()].map(each => each.toDiagnostic()))
  }
  if (errors.length > 0) throw errors[0]
}
