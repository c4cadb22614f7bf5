import { EngineError, visible } from '../../../engine/index.ts'
import type { GitUrl } from './url.ts'

/** The repository in the cache folder is damaged; fetching it anew helps. */
export class DamagedCache extends Error {
  override readonly name = 'DamagedCache'
}

type Code = 'git_unreachable' | 'git_refused' | 'git_hostile'

interface Meaning {
  readonly says: RegExp
  readonly code: Code
  readonly reason: string
  readonly words: (host: string) => string
  readonly remedy: string
}

/** What git, curl and ssh print, and what it means; the first that fits counts. Seen with git 2.39, 2026-11. */
const meanings: readonly Meaning[] = [
  {
    says: /over limit|exceeds the limit|out of memory/i,
    code: 'git_hostile',
    reason: 'object_too_large',
    words: () => 'the repository holds an object that unpacks to more than is allowed',
    remedy: 'take large files out of the history, or use a repository of its own for the configuration',
  },
  {
    says: /fsck error|error in packed object|badTree|invalid index-pack output|inflate returned|pack has bad object/i,
    code: 'git_hostile',
    reason: 'malformed_objects',
    words: () => 'the repository holds malformed objects',
    remedy: 'run git fsck --strict in it and rewrite what it names',
  },
  {
    says: /Host key verification failed|host key .* changed|REMOTE HOST IDENTIFICATION/i,
    code: 'git_refused',
    reason: 'host_key_unknown',
    words: host => `the ssh key of ${host} is not among the known hosts`,
    remedy: 'put the line that ssh-keyscan prints into credentials.knownHosts, after comparing its fingerprint',
  },
  {
    says: /Authentication failed|could not read (Username|Password)|Permission denied|returned error: 40[13]|invalid format|error in libcrypto/i,
    code: 'git_refused',
    reason: 'unauthorized',
    words: host => `${host} does not accept the credentials for the repository`,
    remedy: 'correct credentials, or let them read the repository',
  },
  {
    says: /certificate|SSL|GnuTLS/i,
    code: 'git_refused',
    reason: 'untrusted',
    words: host => `the TLS certificate of ${host} is not trusted`,
    remedy: 'trust the authority that issued it, or correct the URL',
  },
  {
    says: /redirect|returned error: 30\d/i,
    code: 'git_refused',
    reason: 'moved',
    words: () => 'the repository has moved',
    remedy: 'write its present URL; redirects are not followed',
  },
  {
    says: /repository .*not found|returned error: 4(04|10)|does not appear to be a git repository|does not exist|No such (file|repo)/i,
    code: 'git_refused',
    reason: 'not_found',
    words: host => `${host} has no such repository, or hides it from these credentials`,
    remedy: 'correct the URL, or let credentials read the repository; nothing was deleted',
  },
  {
    says: /couldn't find remote ref|no such ref/i,
    code: 'git_refused',
    reason: 'branch_missing',
    words: () => 'the branch disappeared while it was fetched',
    remedy: 'restore it, or name another branch; nothing was deleted',
  },
  {
    says: /mismatched algorithms|object format/i,
    code: 'git_refused',
    reason: 'object_format',
    words: () => 'the repository uses SHA-256 object names',
    remedy: 'use a repository with SHA-1 object names',
  },
  {
    says: /transport '.*' not allowed|protocol '.*' is not supported/i,
    code: 'git_refused',
    reason: 'url_refused',
    words: () => 'git does not speak the protocol of this URL here',
    remedy: 'use https:// or ssh://',
  },
]

const damaged =
  /corrupt|bad object|not a git repository|unable to read|invalid sha1 pointer|Unable to create '.*\.lock'/i

/** Makes an error of what git printed: what it means, without secrets, control characters or the words of the server. */
export function gitFailure(stderr: string, url: GitUrl | undefined, secrets: readonly string[]): Error {
  const lines = stderr.split(/[\r\n]+/).filter(line => line.trim() !== '')
  // What the other side prints comes after "remote:"; it must not choose what its failure is called.
  const own = lines.filter(line => !line.startsWith('remote:')).join('\n')
  const said = sanitize(lines.slice(-3).join('; '), secrets)
  const host = url === undefined || url.hostname === '' ? 'the server' : url.hostname
  const meaning = meanings.find(({ says }) => says.test(own))
  if (meaning) {
    const { code, reason, remedy } = meaning
    return new EngineError(code, meaning.words(host), { remedy, details: { reason, git: said } })
  }
  if (damaged.test(own)) return new DamagedCache(said)
  return new EngineError('git_unreachable', `${host} could not be asked for the repository: ${said || 'no answer'}`, {
    remedy: 'it is tried again by itself; check the network and the server if it stays',
    details: { reason: 'unreachable', git: said },
  })
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences of terminals (CVE-2024-52005)
const escapes = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-_])/g

/** Text of others for a message: no secrets, no terminal control, short. */
export function sanitize(text: string, secrets: readonly string[]): string {
  let clean = text.replace(escapes, '')
  for (const secret of secrets) if (secret !== '') clean = clean.replaceAll(secret, '(secret)')
  // A server may repeat a URL with credentials that we never gave it, or the header itself.
  clean = clean.replace(/(\w+:\/\/)[^\s/@]+@/g, '$1(secret)@').replace(/\b(Basic|Bearer) [\w+/=.-]+/gi, '$1 (secret)')
  return visible(clean).slice(0, 400)
}
