import type { Address } from '../core/address.ts'
import { parseDuration } from '../core/duration.ts'
import { EngineError } from '../core/errors.ts'
import { isJsonObject } from '../core/json.ts'
import type { RecordedResource } from '../core/resource.ts'
import { authorityIncomplete } from '../kinds/authority.ts'
import { buildCrl } from '../x509/crl.ts'
import { createIssuer } from '../x509/issue.ts'
import { importPrivateKey } from '../x509/keys.ts'
import { parseRevocationReason } from '../x509/revocation-reasons.ts'
import type { Session } from './session.ts'

/**
 * A fresh revocation list of an authority (DER). Its number is the time in milliseconds, so that it grows even over a
 * restored state (RFC 5280 §5.2.3). Throws `not_found` for what is no authority.
 */
export async function currentCrl(session: Session, address: Address): Promise<Uint8Array> {
  const authority = await session.store.resource(session.tenant, address)
  if (authority?.kind !== 'CertificateAuthority') {
    throw new EngineError('not_found', `${address} is not a recorded authority`, {
      address,
      remedy: 'name one as CertificateAuthority/NAME',
    })
  }
  const issuer = await openIssuer(session, authority)
  const thisUpdate = session.clock.now()
  const revoked = await session.store.certificates(session.tenant, { issuerId: authority.id, revoked: true })
  return buildCrl(issuer, {
    number: BigInt(thisUpdate.getTime()),
    thisUpdate,
    nextUpdate: new Date(thisUpdate.getTime() + validitySeconds(authority) * 1000),
    revoked: revoked.map(({ serial, revokedAt = '', revocationReason }) => ({
      serial,
      revokedAt: new Date(revokedAt),
      reason: revocationReason === undefined ? undefined : parseRevocationReason(revocationReason),
    })),
  })
}

function validitySeconds({ spec }: RecordedResource): number {
  const crl = isJsonObject(spec.crl) ? spec.crl : {}
  return parseDuration(String(crl.interval ?? '24h')) + parseDuration(String(crl.overlap ?? '72h'))
}

async function openIssuer(session: Session, authority: RecordedResource) {
  const { certificateId, keyId } = authority.status
  const [row] = await session.store.certificates(session.tenant, { id: String(certificateId) })
  const key = await session.unseal(String(keyId))
  if (!row || !key) throw authorityIncomplete(authority.address)
  return createIssuer({ certificateDer: row.der, privateKey: importPrivateKey(key) })
}
