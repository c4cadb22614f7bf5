import { createHash } from 'node:crypto'
import { readSshKey } from './ssh-key.ts'
import { SshReader, sshString } from './ssh-wire.ts'

const magic = 'SSHSIG'
const armour = /^-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]+)\n-----END SSH SIGNATURE-----\s*$/
const hashes: ReadonlySet<string> = new Set(['sha256', 'sha512'])

/** git's namespace (git-config(1), gpg.ssh): a signature made for another purpose does not sign a commit. */
const namespace = 'git'

export const isSshSignature = (signature: string) => signature.startsWith('-----BEGIN SSH SIGNATURE-----')

/**
 * Verifies a signature of OpenSSH's PROTOCOL.sshsig in this process: a range of thousands of commits would otherwise
 * start as many programs. Gives the key that made it, as its blob in base64, or undefined; whether that key may sign
 * is another question.
 */
export function verifySshSignature(signature: string, payload: Uint8Array): string | undefined {
  const base64 = armour.exec(signature.replaceAll('\r\n', '\n'))?.[1]
  if (base64 === undefined) return undefined
  try {
    const reader = new SshReader(Buffer.from(base64, 'base64'))
    if (reader.take(magic.length).toString('latin1') !== magic || reader.uint32() !== 1) return undefined
    const blob = reader.string()
    const purpose = reader.text()
    const reserved = reader.string()
    const hash = reader.text()
    const made = reader.string()
    reader.end()
    if (purpose !== namespace || !hashes.has(hash)) return undefined
    const digest = createHash(hash).update(payload).digest()
    const signed = Buffer.concat([
      Buffer.from(magic),
      ...[Buffer.from(namespace), reserved, Buffer.from(hash), digest].map(sshString),
    ])
    return readSshKey(blob)?.verify(signed, made) ? blob.toString('base64') : undefined
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
