import { type Log, visible } from '../index.ts'
import type { Context } from './context.ts'
import { logLevels } from './settings.ts'

type Fields = Parameters<Log['warn']>[1]

/** The engine's log on stderr, from the level that was asked for. */
export function logOf({ io, options }: Pick<Context, 'io' | 'options'>): Log {
  const least = logLevels.indexOf(options.logLevel)
  const at = (level: 'debug' | 'info' | 'warn', word: string) => (message: string, fields?: Fields) => {
    if (logLevels.indexOf(level) >= least) io.stderr.write(`${word}: ${visible(message)}${spelled(fields)}\n`)
  }
  return { debug: at('debug', 'debug'), info: at('info', 'info'), warn: at('warn', 'warning') }
}

function spelled(fields: Fields = {}): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${visible(typeof value === 'string' ? JSON.stringify(value) : String(value))}`)
    .join('')
}
