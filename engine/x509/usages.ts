import { EngineError } from '../core/errors.ts'

/** RFC 5280 §4.2.1.3, in bit order. */
export const keyUsageNames = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const

export type KeyUsage = (typeof keyUsageNames)[number]

/** RFC 5280 §4.2.1.12 by name; `any` lifts a restriction. */
const extendedKeyUsageOids: Readonly<Record<string, string>> = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
  any: '2.5.29.37.0',
}

const namesByOid = new Map(Object.entries(extendedKeyUsageOids).map(([name, dotted]) => [dotted, name]))

/** The name of an extended key usage, or its dotted OID where it has none here. */
export const extendedKeyUsageName = (dotted: string): string => namesByOid.get(dotted) ?? dotted

/** The dotted OID of a name in any case (`serverAuth`, `server_auth`), or of a dotted OID. Throws `schema_violation`. */
export function extendedKeyUsageOid(name: string): string {
  if (/^[0-2](\.(0|[1-9]\d*))+$/.test(name)) return name
  const folded = name.replaceAll(/[_-]/g, '').toLowerCase()
  const found = Object.entries(extendedKeyUsageOids).find(([known]) => known.toLowerCase() === folded)
  if (!found) {
    throw new EngineError('schema_violation', `"${name}" is not an extended key usage`, {
      remedy: `use ${Object.keys(extendedKeyUsageOids).join(', ')} or a dotted OID`,
    })
  }
  return found[1]
}
