import { type DestinationStream, type Logger, pino } from 'pino'
import type { Log, LogFields } from '../engine/index.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'silent'

/**
 * Structured logs, one JSON object a line. What could hold a secret is never handed to it; the paths below are a
 * second net for objects that libraries log by themselves.
 */
export function createLogger(level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: secretPaths.flatMap(path => [path, `*.${path}`]),
      censor: '(secret)',
    },
    serializers: {
      // Of a request only what cannot hold a secret: no headers, no query, no body.
      req: ({ method, url = '' }: { method?: string; url?: string }) => ({ method, path: url.replace(/\?.*$/s, '') }),
      res: ({ statusCode }: { statusCode?: number }) => ({ status: statusCode }),
      err: errorFields,
    },
  }
  return destination ? pino(options, destination) : pino(options, pino.destination({ fd: 2, sync: true }))
}

const secretPaths = [
  'headers.authorization',
  'headers.cookie',
  'authorization',
  'body',
  'password',
  'token',
  'key',
  'secret',
  'private_key',
  'credentials',
]

function errorFields(error: unknown) {
  if (!(error instanceof Error)) return { message: String(error) }
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  return { type: error.name, message: error.message, ...code, ...(error.stack !== undefined && { stack: error.stack }) }
}

/** The engine's `Log` port on it. */
export function logOf(logger: Logger): Log {
  const write = (level: 'debug' | 'info' | 'warn') => (message: string, fields?: LogFields) =>
    fields ? logger[level](fields, message) : logger[level](message)
  return { debug: write('debug'), info: write('info'), warn: write('warn') }
}
