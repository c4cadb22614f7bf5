import { EngineError } from '../core/errors.ts'
import {
  contextConstructed,
  contextPrimitive,
  derTrue,
  element,
  integer,
  namedBits,
  octetString,
  oid,
  sequence,
} from './der.ts'
import { ipOctets } from './ip-address.ts'
import type { SubjectAltNames } from './names.ts'
import { type OidName, oidDer } from './oids.ts'
import { extendedKeyUsageOid, type KeyUsage, keyUsageNames } from './usages.ts'

/** One Extension; `critical` DEFAULT FALSE is left out (RFC 5280 §4.1, X.690 §11.5). */
export function extension(name: OidName, critical: boolean, value: Uint8Array): Uint8Array {
  return critical ? sequence(oidDer[name], derTrue, octetString(value)) : sequence(oidDer[name], octetString(value))
}

/** Critical, also for leafs, where `cA FALSE` is the DEFAULT and leaves an empty sequence. */
export function basicConstraints(ca: boolean, maxPathLength?: number): Uint8Array {
  const path = maxPathLength === undefined ? [] : [integer(maxPathLength)]
  return extension('basicConstraints', true, ca ? sequence(derTrue, ...path) : sequence())
}

export function keyUsage(usages: readonly KeyUsage[]): Uint8Array {
  return extension('keyUsage', true, namedBits(usages.map(usage => keyUsageNames.indexOf(usage))))
}

/** Names or dotted OIDs; undefined for none. */
export function extendedKeyUsage(usages: readonly string[]): Uint8Array | undefined {
  if (usages.length === 0) return undefined
  return extension('extendedKeyUsage', false, sequence(...usages.map(usage => oid(extendedKeyUsageOid(usage)))))
}

export function subjectKeyIdentifier(identifier: Uint8Array): Uint8Array {
  return extension('subjectKeyIdentifier', false, octetString(identifier))
}

/** keyIdentifier only: issuer and serial beside it would break when the CA is cross-signed. */
export function authorityKeyIdentifier(identifier: Uint8Array): Uint8Array {
  return extension('authorityKeyIdentifier', false, sequence(element(contextPrimitive(0), identifier)))
}

/** Where to ask about the issuer. */
export interface AuthorityInformation {
  readonly ocsp?: readonly string[]
  readonly caIssuers?: readonly string[]
}

export function authorityInformationAccess(information: AuthorityInformation): Uint8Array | undefined {
  const entries = (['ocsp', 'caIssuers'] as const).flatMap(method =>
    (information[method] ?? []).map(url => sequence(oidDer[method], plainHttp(url))),
  )
  return entries.length === 0 ? undefined : extension('authorityInformationAccess', false, sequence(...entries))
}

/** One distribution point per URL: each is a whole CRL by itself. */
export function crlDistributionPoints(urls: readonly string[]): Uint8Array | undefined {
  if (urls.length === 0) return undefined
  const points = urls.map(url =>
    sequence(element(contextConstructed(0), element(contextConstructed(0), plainHttp(url)))),
  )
  return extension('crlDistributionPoints', false, sequence(...points))
}

/** A URI GeneralName. https would need a certificate to check a certificate (RFC 5280 §8). */
function plainHttp(url: string): Uint8Array {
  if (!/^http:\/\/[\x21-\x7e]+$/.test(url) || !URL.canParse(url)) {
    throw new EngineError('schema_violation', `"${url}" cannot be put into certificates`, {
      remedy: 'use an http:// URL: clients fetch it before they can trust anything',
    })
  }
  return element(contextPrimitive(6), Buffer.from(url, 'latin1'))
}

/** subjectAltName, critical iff the subject is empty (RFC 5280 §4.2.1.6). Canonical names; undefined for none. */
export function subjectAltName(names: SubjectAltNames, critical: boolean): Uint8Array | undefined {
  const text = (number: number, name: string): Uint8Array =>
    element(contextPrimitive(number), Buffer.from(name, 'latin1'))
  const all = [
    ...names.dns.map(name => text(2, name)),
    ...names.ip.map(name => element(contextPrimitive(7), ipOctets(name))),
    ...names.email.map(name => text(1, name)),
    ...names.uri.map(name => text(6, name)),
  ]
  return all.length === 0 ? undefined : extension('subjectAltName', critical, sequence(...all))
}
