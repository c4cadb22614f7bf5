import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A key that signs commits, made by the real programs. */
export interface SigningKey {
  /** Settings for `commit({signing})`. */
  readonly signing: Readonly<Record<string, string>>
  /** Environment for `commit({env})`. */
  readonly env: Readonly<Record<string, string>>
  /** `ssh-ed25519 AAAA…`, or an armoured public key. */
  readonly publicKey: string
}

/** `ssh-keygen -t type -b bits`. */
export async function makeSshKey(folder: string, name: string, type = 'ed25519', bits?: number): Promise<SigningKey> {
  const file = join(folder, name)
  const size = bits === undefined ? [] : ['-b', String(bits)]
  await run('ssh-keygen', ['-q', '-t', type, ...size, '-N', '', '-C', '', '-f', file])
  return {
    signing: { 'gpg.format': 'ssh', 'user.signingKey': file },
    env: {},
    publicKey: readFileSync(`${file}.pub`, 'utf8').trim(),
  }
}

/** A PGP key of gpg in a home of its own. */
export async function makePgpKey(folder: string, name: string, expires = 'never'): Promise<SigningKey> {
  const home = join(folder, `gnupg-${name}`)
  mkdirSync(home)
  chmodSync(home, 0o700)
  const email = `${name}@example.test`
  const gpg = (args: readonly string[]) => run('gpg', ['--homedir', home, '--batch', '--quiet', ...args])
  await gpg(['--passphrase', '', '--quick-generate-key', email, 'ed25519', 'sign', expires])
  const { stdout } = await gpg(['--armor', '--export', email])
  return { signing: { 'user.signingKey': email }, env: { GNUPGHOME: home }, publicKey: stdout }
}

/** Ends the agent that gpg started for a key's home. */
export async function endAgent({ env }: SigningKey): Promise<void> {
  if (env.GNUPGHOME === undefined) return
  await run('gpgconf', ['--homedir', env.GNUPGHOME, '--kill', 'gpg-agent']).catch(() => undefined)
}
