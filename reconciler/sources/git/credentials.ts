import { EngineError, type Json, type JsonObject } from '../../../engine/index.ts'

/** How the service shows itself to a git server, with the secrets in plain text: made for one exchange, then dropped. */
export interface GitCredentials {
  /** For http: a user name, or the name that a forge wants beside a token. */
  readonly username?: string
  readonly password?: string
  /** For ssh: a private key without passphrase, in OpenSSH's or PEM form. */
  readonly sshKey?: string
  /** For ssh: lines of known_hosts. A server that they do not name is not talked to. */
  readonly knownHosts?: string
}

/**
 * Reads `credentials` of a source. `resolve` turns a secret reference into its value and is asked before each exchange,
 * so that a rotated secret is used at once.
 */
export function credentialsOf(
  spec: JsonObject,
  resolve: (reference: Json) => Promise<string>,
): () => Promise<GitCredentials> {
  return async () => {
    const { username, password, sshKey, knownHosts } = spec
    return {
      ...(typeof username === 'string' && { username }),
      ...(typeof knownHosts === 'string' && { knownHosts }),
      ...(password !== undefined && { password: (await resolve(password)).trimEnd() }),
      ...(sshKey !== undefined && { sshKey: `${(await resolve(sshKey)).trimEnd()}\n` }),
    }
  }
}

/** RFC 7617 §2. A token alone goes with a name that forges ignore. Undefined where there is no password. */
export function authorization({ username, password }: GitCredentials): string | undefined {
  if (password === undefined) return undefined
  // A line break would begin another header.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(`${username ?? ''}${password}`)) {
    throw new EngineError('git_refused', 'the password for the repository holds control characters', {
      remedy: 'correct the secret that credentials names',
      details: { reason: 'credentials_refused' },
    })
  }
  return `Basic ${Buffer.from(`${username ?? 'git'}:${password}`).toString('base64')}`
}

/** Every text that must not be seen in what git prints. */
export function secretTexts(credentials: GitCredentials): readonly string[] {
  const { password, sshKey } = credentials
  if (password === undefined) return sshKey === undefined ? [] : [sshKey]
  const basic = Buffer.from(`${credentials.username ?? 'git'}:${password}`).toString('base64')
  return [password, encodeURIComponent(password), basic, ...(sshKey === undefined ? [] : [sshKey])]
}
