import { EngineError } from '../core/errors.ts'
import { revocationReasons } from '../x509/revocation-reasons.ts'
import type { SigningKey } from './jws.ts'
import { problemType } from './problem.ts'
import type { AccountSession, AcmeServer } from './session.ts'

/** RFC 5280 §5.3.1 reasons that a subscriber can ask for, with their codes: those that are final. */
const { certificateHold: _hold, removeFromCRL: _remove, ...final } = revocationReasons
const subscriberReasons: Readonly<Record<string, number>> = final

/** Signs by the account that holds the names, or by the certificate's own key (RFC 8555 §7.6). */
export type Revoker =
  | { readonly account: AccountSession }
  | { readonly server: AcmeServer; readonly certificateKey: SigningKey }

/**
 * Revokes a certificate (DER). One that is revoked already is a success. Throws `acme_refused`, also for a reason that
 * the CA does not take from subscribers (Let's Encrypt takes unspecified, keyCompromise, superseded and
 * cessationOfOperation; verified 2026-11).
 */
export async function revokeCertificate(
  revoker: Revoker,
  certificate: Uint8Array,
  reason = 'unspecified',
): Promise<void> {
  const code = Object.hasOwn(subscriberReasons, reason) ? subscriberReasons[reason] : undefined
  if (code === undefined) {
    throw new EngineError('acme_refused', `"${reason}" is no reason for which an ACME CA revokes`, {
      remedy: `use one of ${Object.keys(subscriberReasons).join(', ')}`,
    })
  }
  const signer =
    'account' in revoker
      ? { server: revoker.account, key: revoker.account.key, kid: revoker.account.accountUrl }
      : { server: revoker.server, key: revoker.certificateKey }
  const { server, ...identity } = signer
  await server.trace.span('acme.revoke', { reason }, async () => {
    try {
      await server.post({
        ...identity,
        to: { entry: 'revokeCert' },
        payload: {
          certificate: Buffer.from(certificate).toString('base64url'),
          // RFC 5280 §5.3.1: unspecified should be left out rather than said.
          ...(code !== 0 && { reason: code }),
        },
      })
    } catch (error) {
      if (problemType(error) !== 'alreadyRevoked') throw error
    }
  })
}
