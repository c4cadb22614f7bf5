import { EngineError } from '../../../engine/index.ts'

export type PgpVerifier = (signature: string, payload: Uint8Array) => Promise<boolean>

/**
 * Verifies commits signed with one of these armoured public keys (RFC 9580). As gpg does, a key has to be valid when
 * it signed; a key that was revoked as compromised verifies nothing any more.
 */
export async function pgpVerifier(armoredKeys: string): Promise<PgpVerifier> {
  const { createMessage, readKeys, readSignature, verify } = await import('openpgp')
  const verificationKeys = await readKeys({ armoredKeys }).catch((error: unknown) => {
    throw new EngineError('schema_violation', 'pgpKeys holds no armoured public keys', {
      remedy: 'give what gpg --armor --export prints',
      cause: error,
    })
  })
  if (verificationKeys.some(key => key.isPrivate())) {
    throw new EngineError('literal_secret', 'pgpKeys holds a private key', {
      remedy: 'give the public key only, and replace the key: others may have seen it',
    })
  }
  return async (armoredSignature, payload) => {
    try {
      const signature = await readSignature({ armoredSignature })
      const message = await createMessage({ binary: payload })
      const { signatures } = await verify({ message, signature, verificationKeys, format: 'binary' })
      // One is enough, as for ssh; each rejects for a key that is not among ours.
      const verdicts = await Promise.all(
        signatures.map(each =>
          each.verified.then(
            good => good,
            () => false,
          ),
        ),
      )
      return verdicts.some(Boolean)
    } catch {
      return false // malformed
    }
  }
}
