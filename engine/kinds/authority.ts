import type { Address } from '../core/address.ts'
import { EngineError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import type { CertificateRow } from '../core/resource.ts'
import { createIssuer, type Issuer } from '../x509/issue.ts'
import { importPrivateKey } from '../x509/keys.ts'
import { nestValidity, type Validity } from '../x509/validity.ts'
import type { OpenResource, OperationContext } from './driver.ts'

/** A recorded authority, ready to sign. */
export interface Authority {
  readonly resource: OpenResource
  readonly issuer: Issuer
}

/**
 * Opens an authority for signing, once per run and version of its certificate. Throws `reference_unknown`,
 * `secret_corrupt`, and what `createIssuer` throws.
 */
export async function openAuthority(context: OperationContext, reference: Json | undefined): Promise<Authority> {
  const resource = await context.open('CertificateAuthority', reference)
  const { certificateId, keyId } = resource.status
  const issuer = await context.memo(`issuer ${String(certificateId)}`, async () => {
    const [current, ...above] = await certificateChain(context, resource)
    const key = typeof keyId === 'string' ? await context.unseal(keyId) : undefined
    if (!current || !key) throw authorityIncomplete(resource.address)
    const issuers = above.map(row => row.der)
    return createIssuer({ certificateDer: current.der, privateKey: importPrivateKey(key), issuers })
  })
  return { resource, issuer }
}

/** The state lacks what an authority signs with. */
export function authorityIncomplete(address: Address): EngineError {
  return new EngineError('secret_corrupt', `the certificate or key of ${address} is missing from the state`, {
    address,
    remedy: 'restore the state from a backup; `trustform state verify` shows what is missing',
  })
}

/** The authority's current certificate, then those of the authorities above it, the root last. */
async function certificateChain(context: OperationContext, resource: OpenResource): Promise<CertificateRow[]> {
  const rows: CertificateRow[] = []
  for (let each: OpenResource | undefined = resource; each; ) {
    const { certificateId } = each.status
    const row = (await context.certificates(each.id)).find(certificate => certificate.id === certificateId)
    if (row) rows.push(row)
    const parent: Json | undefined = each.spec.parent
    each = parent === undefined ? undefined : await context.open('CertificateAuthority', parent)
  }
  return rows
}

/** How far before now a certificate may begin so that it still ends with its issuer. */
const slack = 15 * 60

/**
 * The validity of a new certificate of exactly `ttl` seconds inside every issuer's. One that was declared as long as
 * an issuer of the same apply would end seconds after it; it begins those seconds earlier instead.
 */
export function fittingValidity(issuer: Issuer, ttl: number, now: Date, maxTtl?: number): Validity {
  const issuers = issuer.chain
  try {
    return nestValidity(issuers, 'backdated', ttl, now, maxTtl)
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'validity_exceeds_issuer') throw error
    const end = Math.min(...issuers.map(each => each.notAfter.getTime()))
    const start = new Date(end - (ttl - 1) * 1000)
    if (start.getTime() < now.getTime() - slack * 1000) throw error
    return nestValidity(issuers, start, ttl, now, maxTtl)
  }
}
