import type { Command } from 'commander'
import type { Io, Overrides } from './io.ts'
import type { GlobalOptions } from './settings.ts'

/** What a command works with. */
export interface Context {
  readonly io: Io
  readonly overrides: Overrides
  readonly options: GlobalOptions
  /** Whether stdout and stderr may be coloured. */
  readonly color: { readonly stdout: boolean; readonly stderr: boolean }
}

/** Tells the program what a command does: its options, and through `action` its work, which answers the exit code. */
export type Define = (command: Command, action: Action) => void

/** Wraps the work of a command; commander's arguments and options arrive as it passes them. */
export type Action = <A extends readonly unknown[]>(
  work: (context: Context, ...given: A) => Promise<number>,
) => (...given: A) => Promise<void>
