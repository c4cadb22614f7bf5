import { EngineError, visible } from '../../../engine/index.ts'

/** A repository's address, safe to hand to git and to show: it holds no secret, no option and no other transport. */
export interface GitUrl {
  readonly protocol: 'https' | 'ssh' | 'http' | 'file'
  /** As given to git. */
  readonly text: string
  /** Without brackets; empty for a file. */
  readonly hostname: string
  /** The protocol's own when none is written; 0 for a file. */
  readonly port: number
  /** Name at an ssh server. */
  readonly user?: string
}

const defaultPorts = { https: 443, http: 80, ssh: 22, file: 0 } as const
const insecure: ReadonlySet<string> = new Set(['http', 'file'])

/** `git@host:path`, as people copy it from a forge; git reads it as ssh. */
const scpLike = /^(?:(?<user>[\w.-]+)@)?(?<host>[\w.-]+):(?!\/\/)(?!:)(?<path>[^\s]+)$/

/** What a user name or a host may look like, so that neither can become an option of ssh (CVE-2017-1000117). */
const userName = /^[A-Za-z0-9_][\w.+-]*$/
const hostName = /^(?:[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])$/

/**
 * Reads a source's URL: https and ssh; plain http and file only with `allowInsecure`. Throws `git_refused` for
 * everything else, such as `ext::`, credentials inside the URL, and control characters.
 */
export function parseGitUrl(text: string, { allowInsecure = false } = {}): GitUrl {
  if (visible(text) !== text || /\s/.test(text)) throw refused('holds white space or control characters')
  if (text.startsWith('-')) throw refused('begins with "-"')
  const scp = scpLike.exec(text)?.groups
  const written = scp ? `ssh://${scp.user === undefined ? '' : `${scp.user}@`}${scp.host}/${scp.path}` : text
  const url = URL.canParse(written) ? new URL(written) : undefined
  const protocol = url?.protocol.slice(0, -1)
  if (!url || !isKnown(protocol)) throw refused('is neither https:// nor ssh://')
  if (insecure.has(protocol) && !allowInsecure) {
    throw refused(`is ${protocol}, over which anybody could answer`, 'use https:// or ssh://')
  }
  if (url.password !== '' || (protocol !== 'ssh' && url.username !== '')) {
    throw refused('holds credentials', 'name them in credentials as a secret reference')
  }
  if (url.search !== '' || url.hash !== '') throw refused('holds a query or a fragment')
  if (protocol === 'file') {
    if (url.hostname !== '') throw refused('names a file on another host')
    return { protocol, text: url.href, hostname: '', port: 0 }
  }
  if (!hostName.test(url.hostname)) throw refused('has no plain host name')
  if (url.username !== '' && !userName.test(url.username)) throw refused('has no plain user name')
  if (/^\/*-/.test(url.pathname)) throw refused('has a path that begins with "-"')
  if (/^\/*$/.test(url.pathname)) throw refused('has no path')
  return {
    protocol,
    text: url.href,
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? defaultPorts[protocol] : Number(url.port),
    ...(url.username !== '' && { user: url.username }),
  }
}

function isKnown(protocol: string | undefined): protocol is GitUrl['protocol'] {
  return protocol !== undefined && Object.hasOwn(defaultPorts, protocol)
}

/** The URL itself is not repeated: it may be what holds the secret. */
function refused(why: string, remedy = 'use https://HOST/PATH or ssh://USER@HOST/PATH'): EngineError {
  return new EngineError('git_refused', `the repository's URL ${why}`, { remedy, details: { reason: 'url_refused' } })
}
