import { EngineError, type Http } from '../../../engine/index.ts'
import type { CallSettings } from './environment.ts'
import type { GitLimits } from './limits.ts'
import { isObjectName } from './names.ts'
import { delimiter, flush, packet, readPackets } from './pkt-line.ts'
import { runGit } from './run.ts'
import type { GitUrl } from './url.ts'

/** Object name by full ref. */
export type Refs = ReadonlyMap<string, string>

export interface RefQuestion {
  readonly folder: string
  readonly url: GitUrl
  readonly http: Http
  readonly settings: CallSettings
  readonly trustedRoots?: readonly string[] | undefined
  readonly secrets: readonly string[]
  readonly limits: GitLimits
  readonly signal?: AbortSignal | undefined
}

/**
 * Asks where refs of the other side are; `prefixes` bound the answer. Over http this is one small request on a kept
 * connection, without a process: hundreds of sources are polled that way. Otherwise `git ls-remote` does it.
 */
export async function askRefs(question: RefQuestion, prefixes: readonly string[]): Promise<Refs> {
  const { protocol } = question.url
  const direct = protocol === 'https' || protocol === 'http' ? await askOverHttp(question, prefixes) : undefined
  return direct ?? askWithGit(question, prefixes)
}

/**
 * gitprotocol-v2(5), command `ls-refs`, sent without asking for capabilities first. Undefined where the server does
 * not understand it; git itself then finds out what the server speaks.
 */
async function askOverHttp(question: RefQuestion, prefixes: readonly string[]): Promise<Refs | undefined> {
  const { url, http, settings, signal, limits, trustedRoots } = question
  const asked = prefixes.map(prefix => packet(`ref-prefix ${prefix}\n`)).join('')
  const response = await http
    .request({
      method: 'POST',
      url: `${url.text.replace(/\/+$/, '')}/git-upload-pack`,
      headers: {
        'content-type': 'application/x-git-upload-pack-request',
        accept: 'application/x-git-upload-pack-result',
        'git-protocol': 'version=2',
        // Some servers answer only what calls itself git.
        'user-agent': 'git/2.39 (trustform)',
        ...(settings.authorization !== undefined && { authorization: settings.authorization }),
      },
      body: `${packet('command=ls-refs\n')}${packet('object-format=sha1')}${delimiter}${asked}${flush}`,
      timeout: limits.askTime,
      ...(trustedRoots !== undefined && { trustedRoots }),
      ...(signal !== undefined && { signal }),
    })
    .catch((error: unknown) => {
      throw httpFailure(error, url, signal)
    })
  const { status, headers, body } = response
  const type = [headers['content-type']].flat()[0]
  if (status !== 200 || type !== 'application/x-git-upload-pack-result') return undefined
  const refs = new Map<string, string>()
  const packets = readPackets(body)
  if (packets?.at(-1) !== 'flush') return undefined
  for (const each of packets) {
    if (typeof each === 'string') continue
    const [name = '', ref = ''] = Buffer.from(each).toString('utf8').trimEnd().split(' ')
    if (isObjectName(name)) refs.set(ref, name)
  }
  return refs
}

async function askWithGit(question: RefQuestion, prefixes: readonly string[]): Promise<Refs> {
  const { folder, url, settings, secrets, limits, signal } = question
  // A prefix that ends in a slash asks for what is below it.
  const patterns = prefixes.map(prefix => (prefix.endsWith('/') ? `${prefix}*` : prefix))
  const printed = await runGit({
    folder,
    args: ['ls-remote', '--quiet', '--', url.text, ...patterns],
    settings,
    secrets,
    timeout: limits.askTime,
    signal,
  })
  const lines = printed.split('\n').map(line => line.split('\t'))
  const refs = new Map(lines.flatMap(([name = '', ref = '']) => (isObjectName(name) ? [[ref, name] as const] : [])))
  // git takes whatever a web server answers for a repository of the old kind without refs.
  if (refs.size === 0 && url.protocol.startsWith('http') && prefixes.includes('refs/heads/')) throw noGit(url)
  return refs
}

function noGit(url: GitUrl): EngineError {
  return new EngineError('git_unreachable', `${url.hostname} answers, but not as a git server, or only in part`, {
    remedy: 'correct the URL, or wait until the server is back',
    details: { reason: 'unreachable' },
  })
}

/** `HttpFailure` of the port, told by its reason; a guard's refusal is told as it is. */
function httpFailure(error: unknown, url: GitUrl, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof EngineError) return cause
  if (!(error instanceof Error) || !('reason' in error)) return error
  if (error.reason === 'untrusted') {
    return new EngineError('git_refused', `the TLS certificate of ${url.hostname} is not trusted`, {
      remedy: 'trust the authority that issued it, or correct the URL',
      details: { reason: 'untrusted' },
      cause: error,
    })
  }
  return new EngineError('git_unreachable', error.message, {
    remedy: 'it is tried again by itself; check the network and the server if it stays',
    details: { reason: 'unreachable' },
    cause: error,
  })
}
