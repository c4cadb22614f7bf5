import { spawn } from 'node:child_process'
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
  /** Another code than 0 with which git ends well. */
  readonly alsoEndsWith?: number
  /** Milliseconds. */
  readonly timeout: number
}

/** Octets that one call may print. */
const mostOutput = 64 * 1024 * 1024

/**
 * Runs git once in its isolation and gives what it printed. Rejects with `EngineError` or `DamagedCache`, or with the
 * signal's reason, and then nothing of it runs any more: git starts programs of its own (git-remote-https, index-pack),
 * which outlive it and go on downloading unless their whole group is ended.
 */
export function runGit(call: GitCall): Promise<string> {
  const { folder, args, settings = {}, secrets = [], signal, alsoEndsWith = 0, timeout } = call
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const child = spawn('git', args, {
      cwd: folder,
      env: { ...gitEnvironment(folder, settings) },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // a group of its own
    })
    const printed: Buffer[] = []
    let length = 0
    let said = Buffer.alloc(0)
    let ended: unknown

    function end(reason: unknown): void {
      ended ??= reason
      if (child.pid === undefined) return
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch {
        // it is gone already
      }
    }
    const onAbort = () => end(signal?.reason)
    const timer = setTimeout(() => end(tooSlow(timeout)), timeout)
    signal?.addEventListener('abort', onAbort, { once: true })

    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > mostOutput) end(tooMuch())
      else printed.push(chunk)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      said = Buffer.concat([said, chunk]).subarray(-8192)
    })
    child.on('error', error => {
      ended ??= 'code' in error && error.code === 'ENOENT' ? notInstalled() : error
    })
    child.on('close', code => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      if (ended !== undefined) reject(ended)
      else if (code === 0 || code === alsoEndsWith) resolve(Buffer.concat(printed).toString('utf8'))
      else reject(gitFailure(said.toString('utf8'), settings.url, secrets))
    })
  })
}

function tooSlow(timeout: number): EngineError {
  return new EngineError('git_unreachable', `the repository was not there within ${timeout / 1000} s`, {
    remedy: 'it is tried again by itself; check the server, or use a smaller repository',
    details: { reason: 'timeout' },
  })
}

function tooMuch(): EngineError {
  return new EngineError('git_hostile', 'the repository has more branches and refs than can be listed', {
    remedy: 'use a repository of its own for the configuration',
    details: { reason: 'too_many_refs' },
  })
}

export function notInstalled(): EngineError {
  return new EngineError('git_refused', 'git 2.38 or newer is not installed where the service runs', {
    remedy: 'install it, or put it on the PATH of the service',
    details: { reason: 'git_missing' },
  })
}
