import type { CertificateSpec, RoleSpec } from '../../../schemas/generated/types.ts'
import { parseDuration } from '../../core/duration.ts'
import { type CsrInfo, parseCsr } from '../../x509/csr.ts'
import { type KeySpec, parseKeySpec } from '../../x509/keys.ts'
import { type SubjectAltNames, subjectAltNames, withCommonName } from '../../x509/names.ts'

/** What a certificate will say, read from its spec: every name canonical, the common name among them. */
export interface CertificateRequest {
  readonly commonName?: string
  readonly names: SubjectAltNames
  readonly key: KeySpec
  /** Where the key stays outside. */
  readonly csr?: CsrInfo
}

/**
 * Reads a spec. Names that the spec gives beside a CSR replace the CSR's. Throws `name_invalid`, `csr_invalid`,
 * `key_refused`.
 */
export function requestOf(spec: CertificateSpec, role?: Pick<RoleSpec, 'keyType' | 'keyBits'>): CertificateRequest {
  const csr = spec.csr === undefined ? undefined : parseCsr(spec.csr)
  const given = { dns: spec.domains ?? [], ip: spec.ipAddresses ?? [], email: spec.emails ?? [], uri: spec.uris ?? [] }
  const own = Object.values(given).some(names => names.length > 0)
  const names = own || !csr ? subjectAltNames(given) : csr.names
  const commonName = spec.commonName ?? (own ? undefined : csr?.commonName)
  return {
    names: commonName === undefined ? names : withCommonName(names, commonName),
    key: csr?.keySpec ?? keyOf(spec, role),
    ...(commonName !== undefined && { commonName }),
    ...(csr && { csr }),
  }
}

/** The lifetime in seconds that a role gives to a certificate of this spec. */
export function ttlOf(spec: Pick<CertificateSpec, 'ttl'>, role: Pick<RoleSpec, 'maxTtl' | 'defaultTtl'>): number {
  return parseDuration(spec.ttl ?? role.defaultTtl ?? role.maxTtl)
}

function keyOf(spec: CertificateSpec, role: Pick<RoleSpec, 'keyType' | 'keyBits'> | undefined): KeySpec {
  const asked = role && role.keyType !== 'any' ? role : undefined
  if (spec.keyType === undefined) return parseKeySpec(asked?.keyType ?? 'ec', asked?.keyBits)
  return parseKeySpec(spec.keyType, spec.keySize ?? (asked?.keyType === spec.keyType ? asked.keyBits : undefined))
}
