import { EngineError } from '../../core/errors.ts'
import { HttpFailure, type HttpRequest } from '../../core/ports.ts'
import type { CertificateRow } from '../../core/resource.ts'
import { type CertificateInfo, parseCertificate } from '../../x509/certificate.ts'
import { crlAddresses, revokedByCrl } from '../../x509/crl-entry.ts'
import { DerError } from '../../x509/der-reader.ts'
import { ocspAddress, ocspRequest, readOcspResponse } from '../../x509/ocsp.ts'
import type { ReadContext, World } from '../driver.ts'

/** Milliseconds for one answer: a plan waits for it, and does without. */
const patience = 10_000

/**
 * When the CA that issued a certificate revoked it, by the CRL or the OCSP responder that the certificate names; CRLs
 * first, because one serves many and the public CAs give up OCSP (Let's Encrypt ended it in 2025). Undefined also where
 * nobody answers: what nobody vouches for is no revocation.
 */
export async function revokedAtCa(row: CertificateRow, world: World, context: ReadContext): Promise<Date | undefined> {
  const [issuerDer] = row.chain
  if (!issuerDer || row.notAfter <= world.now.toISOString()) return undefined
  try {
    const [certificate, issuer] = [parseCertificate(row.der), parseCertificate(issuerDer)]
    const [crl] = crlAddresses(certificate)
    if (crl !== undefined) return revokedByCrl(await fetchedOnce(crl, world, context), issuer, certificate.serialHex)
    const responder = ocspAddress(certificate)
    return responder === undefined ? undefined : await askResponder(responder, certificate, issuer, context)
  } catch (error) {
    const isForeign = error instanceof DerError || error instanceof HttpFailure || error instanceof EngineError
    if (!isForeign) throw error
    context.log.debug('the CA does not say whether it revoked a certificate', { id: row.id, reason: error.message })
    return undefined
  }
}

async function askResponder(
  url: string,
  certificate: CertificateInfo,
  issuer: CertificateInfo,
  context: ReadContext,
): Promise<Date | undefined> {
  const headers = { 'content-type': 'application/ocsp-request' }
  const answer = await ask({ method: 'POST', url, headers, body: ocspRequest(certificate, issuer) }, context)
  const status = readOcspResponse(answer, certificate, issuer, context.clock.now())
  return status.status === 'revoked' ? status.revokedAt : undefined
}

const crls = new WeakMap<World, Map<string, Promise<Uint8Array>>>()

/** Certificates of one CA share their CRLs, so each is fetched once per plan. */
function fetchedOnce(url: string, world: World, context: ReadContext): Promise<Uint8Array> {
  const known = crls.get(world) ?? new Map<string, Promise<Uint8Array>>()
  crls.set(world, known)
  const answer = known.get(url) ?? ask({ method: 'GET', url }, context)
  known.set(url, answer)
  return answer
}

async function ask(request: HttpRequest, { http, signal }: ReadContext): Promise<Uint8Array> {
  const { status, body } = await http.request({ ...request, timeout: patience, ...(signal && { signal }) })
  if (status === 200) return body
  throw new HttpFailure('unreachable', `${request.url} answered ${status}`)
}
