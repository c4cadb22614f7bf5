import type { EngineOptions, StateStore } from '../index.ts'

/** A stream that text is written to. */
export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

/** All that a command sees of its process. */
export interface Io {
  /** Data, and nothing else. */
  readonly stdout: Output
  /** Progress and diagnostics. */
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  /** Whether a person can be asked. */
  readonly interactive: boolean
  /** Puts a question on stderr and answers the line that was typed. Rejects when the signal aborts. */
  ask(question: string, signal: AbortSignal): Promise<string>
  /** Calls back on each SIGINT and SIGTERM until the returned function is called. */
  onInterrupt(listener: () => void): () => void
}

/** Parts of the engine that the caller of `run` replaces; tests stop the process or the clock with them. */
export interface Overrides extends Partial<Omit<EngineOptions, 'state'>> {
  /** Gets the opened store and answers the one to work with. */
  readonly wrapStore?: (store: StateStore) => StateStore
}

/** Exit codes of every command. */
export const exit = { done: 0, error: 1, changes: 2, blocked: 3, interrupted: 130 } as const
