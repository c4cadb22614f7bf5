import { EngineError } from '../../../engine/index.ts'
import { type CallSettings, gitEnvironment } from './environment.ts'
import { gitFailure } from './failure.ts'

export interface GitCall {
  readonly folder: string
  readonly args: readonly string[]
  readonly settings?: CallSettings
  /** Texts to take out of what git prints. */
  readonly secrets?: readonly string[]
  readonly signal?: AbortSignal | undefined
  /** Milliseconds. */
  readonly timeout: number
}

/**
 * What simple-git would refuse as unsafe in the hands of others. Every value is ours: the first is the whole isolation
 * of `environment.ts`, the rest are settings in it that switch things off.
 */
const allowed = {
  allowUnsafeConfigEnvCount: true,
  allowUnsafeConfigPaths: true,
  allowUnsafeHooksPath: true,
  allowUnsafeFsMonitor: true,
  allowUnsafeCredentialHelper: true,
  allowUnsafeProtocolOverride: true,
  allowUnsafeSshCommand: true,
} as const

/** Runs git once in its isolation and gives what it printed. Rejects with `EngineError` or `DamagedCache`. */
export async function runGit(call: GitCall): Promise<string> {
  const { folder, args, settings = {}, secrets = [], timeout } = call
  const { simpleGit } = await import('simple-git')
  const env = gitEnvironment(folder, settings)
  const expiry = AbortSignal.timeout(timeout)
  const signal = call.signal ? AbortSignal.any([call.signal, expiry]) : expiry
  signal.throwIfAborted()
  let printed = ''
  const git = simpleGit({
    baseDir: folder,
    abort: signal,
    allowEnvironment: Object.keys(env),
    unsafe: allowed,
    errors: (error, { exitCode, stdErr }) => {
      printed = Buffer.concat(stdErr).toString('utf8').slice(-8192)
      return exitCode === 0 ? error : (error ?? new Error(`git ended with ${exitCode}`))
    },
  })
  try {
    return await git.env(env).raw([...args])
  } catch (error) {
    if (call.signal?.aborted) throw call.signal.reason
    if (expiry.aborted) throw tooSlow(timeout)
    if (isMissing(error)) throw notInstalled()
    throw gitFailure(printed, settings.url, secrets)
  }
}

function tooSlow(timeout: number): EngineError {
  return new EngineError('git_unreachable', `the repository was not there within ${timeout / 1000} s`, {
    remedy: 'it is tried again by itself; check the server, or use a smaller repository',
    details: { reason: 'timeout' },
  })
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && /ENOENT/.test(error.message)
}

export function notInstalled(): EngineError {
  return new EngineError('git_refused', 'git is not installed where the service runs', {
    remedy: 'install git 2.38 or newer',
    details: { reason: 'git_missing' },
  })
}
