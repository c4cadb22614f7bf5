import { type Action, EngineError, type RunEvent, visible } from '../../index.ts'

/** Shows a run while it goes on. */
export interface Progress {
  event(event: RunEvent): void
  /** Nothing more comes; leaves only what is to stay on the screen. */
  end(): void
}

/** Colours of a line; the identity where there are none. */
export interface Paint {
  green(text: string): string
  red(text: string): string
  yellow(text: string): string
  dim(text: string): string
}

const past: Readonly<Record<Action, string>> = {
  create: 'created',
  update: 'updated',
  replace: 'replaced',
  delete: 'deleted',
  renew: 'renewed',
  reissue: 're-issued',
  forget: 'forgotten',
  import: 'imported',
  'no-op': 'unchanged',
}

/** The line that stays for what has ended; undefined while it goes on. */
export function endLine(event: RunEvent, paint: Paint): string | undefined {
  switch (event.type) {
    case 'done':
      return `${paint.green('✓')} ${event.address} ${past[event.action]} ${paint.dim(`(${duration(event.ms)})`)}`
    case 'failed':
      return `${paint.red('✗')} ${event.address} failed: ${reasonOf(event.error)}`
    case 'skipped':
      return `${paint.yellow('-')} ${event.address} skipped: ${visible(event.because)}`
    case 'left-open':
      return `${paint.yellow('!')} ${event.address}: something is left to clean up outside; the next apply does it: ${reasonOf(event.error)}`
    default:
      return undefined
  }
}

/** `12 ms`, `3.4 s`, `2 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`
}

function reasonOf(error: unknown): string {
  if (error instanceof EngineError) return visible(error.message)
  return error instanceof Error ? `${visible(error.message)} (a bug)` : 'an unknown error'
}
