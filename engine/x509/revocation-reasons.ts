import { EngineError } from '../core/errors.ts'

/** CRLReason of RFC 5280 §5.3.1; 7 was never given out. */
export const revocationReasons = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const

export type RevocationReason = keyof typeof revocationReasons

/** A reason from its name in any case (`keyCompromise`, `key_compromise`). Throws `schema_violation`. */
export function parseRevocationReason(text: string): RevocationReason {
  const folded = text.replaceAll(/[_-]/g, '').toLowerCase()
  // `keys` forgets the literal types of the table just above.
  const names = Object.keys(revocationReasons) as RevocationReason[]
  const found = names.find(name => name.toLowerCase() === folded)
  if (!found) {
    throw new EngineError('schema_violation', `"${text}" is not a revocation reason`, {
      remedy: `use one of ${names.join(', ')}`,
    })
  }
  return found
}
