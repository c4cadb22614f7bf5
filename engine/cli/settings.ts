import type { Io } from './io.ts'

/** Levels of `--log-level`, from the most to the least talkative. */
export const logLevels = ['debug', 'info', 'warn', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** What the global options say, wherever they stand on the command line. */
export interface GlobalOptions {
  readonly state?: string
  readonly tenant: string
  readonly color: boolean
  readonly logLevel: LogLevel
  readonly input: boolean
}

/** Where the state is: the option, else the environment, else below the working folder. */
export function stateUrl(options: GlobalOptions, io: Io): string {
  return options.state ?? (io.env.TRUSTFORM_STATE || 'sqlite:.trustform/state.db')
}

/** Colour is for people: on a terminal, unless they asked for none (no-color.org). */
export function colored(output: Io['stdout'], options: Pick<GlobalOptions, 'color'>, io: Io): boolean {
  return options.color && !io.env.NO_COLOR && io.env.TERM !== 'dumb' && output.isTTY === true
}
