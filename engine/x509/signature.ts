import { verify } from 'node:crypto'
import { EngineError } from '../core/errors.ts'
import { tag } from './der.ts'
import { DerReader } from './der-reader.ts'
import { checkPublicKey } from './keys.ts'
import { acceptedSignature } from './signature-algorithms.ts'

/** A SEQUENCE of what is signed, the algorithm and the signature: CRLs and OCSP responses are built like certificates. */
export interface SignedObject {
  readonly signed: Uint8Array
  /** Dotted OID. */
  readonly algorithm: string
  readonly signature: Uint8Array
  /** What follows the signature. */
  readonly rest: DerReader
}

/** Takes the three parts apart. Throws `DerError`. */
export function readSigned(der: Uint8Array, what: string): SignedObject {
  const outer = new DerReader(der)
  const parts = outer.enter(tag.sequence, what)
  outer.end(what)
  const signed = parts.whole(parts.expect(tag.sequence, 'the signed part'))
  const algorithm = parts.enter(tag.sequence, 'the signature algorithm').oid('the signature algorithm')
  return { signed, algorithm, signature: parts.bitString('the signature'), rest: parts }
}

/** Whether that key made the signature, by an algorithm that is still trusted. */
export function isSignedBy({ signed, algorithm, signature }: SignedObject, spki: Uint8Array): boolean {
  try {
    const { key, spec } = checkPublicKey(spki)
    const accepted = acceptedSignature(algorithm, spec)
    return accepted !== undefined && verify(accepted.hash, signed, key, signature)
  } catch (error) {
    // A key that we would not use ourselves vouches for nothing.
    if (error instanceof EngineError) return false
    throw error
  }
}
