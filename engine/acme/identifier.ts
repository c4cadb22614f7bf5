import { allNames, type SubjectAltNames, subjectAltNames } from '../x509/names.ts'
import type { Fields } from './answer.ts'

/** RFC 8555 §9.7.7 and RFC 8738 §3: a DNS name in lower-case A-labels, or an IP address in canonical text. */
export interface Identifier {
  readonly type: 'dns' | 'ip'
  readonly value: string
}

/**
 * The identifiers of an order, canonical and without duplicates. Throws `name_invalid`.
 */
export function identifiersOf(dns: readonly string[], ip: readonly string[] = []): readonly Identifier[] {
  const names = subjectAltNames({ dns, ip })
  return [
    ...names.dns.map(value => ({ type: 'dns', value }) as const),
    ...names.ip.map(value => ({ type: 'ip', value }) as const),
  ]
}

/** The identifiers as the SANs of the CSR, which must equal them exactly (RFC 8555 §7.4). */
export function namesOf(identifiers: readonly Identifier[]): SubjectAltNames {
  const values = (type: Identifier['type']) => identifiers.filter(each => each.type === type).map(each => each.value)
  return { dns: values('dns'), ip: values('ip'), email: [], uri: [] }
}

/**
 * The name as it was ordered: an authorization of a wildcard has the identifier without `*.` and a flag of its own
 * (RFC 8555 §7.1.4), so only both together tell the two authorizations of `x` and `*.x` apart.
 */
export function orderedName(identifier: Identifier, wildcard: boolean): string {
  return wildcard ? `*.${identifier.value}` : identifier.value
}

/** Whether two sets of names are the same, whatever their order. */
export function sameNames(one: SubjectAltNames, other: SubjectAltNames): boolean {
  const key = (names: SubjectAltNames) => [...new Set(allNames(names))].sort().join('\n')
  return key(one) === key(other)
}

/** An identifier in an order or an authorization; other types than ours pass as DNS names that match nothing. */
export function readIdentifier(fields: Fields): Identifier {
  const value = fields.string('value').toLowerCase()
  return { type: fields.string('type') === 'ip' ? 'ip' : 'dns', value }
}
