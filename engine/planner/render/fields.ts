import { visible } from '../../core/visible.ts'
import type { FieldDiff } from '../../kinds/driver.ts'
import type { Change } from '../plan.ts'
import { shortValue } from './value.ts'

/** The fields by which a new resource of a kind is recognised; the rest is in `--json`. */
const telling: Readonly<Record<string, readonly string[]>> = {
  CertificateAuthority: ['type', 'parent', 'keyType', 'keySize', 'validity', 'commonName'],
  Role: ['ca', 'allowedDomains', 'maxTtl', 'extendedKeyUsages'],
  AcmeAccount: ['provider', 'environment', 'directoryUrl', 'email'],
  DnsProvider: ['providerType', 'managedZones'],
  Certificate: [
    'role',
    'account',
    'commonName',
    'domains',
    'ipAddresses',
    'emails',
    'uris',
    'challengeType',
    'ttl',
    'csr',
  ],
  TrustAnchor: ['certificatePem'],
  Secret: ['path'],
}

/** `type=root keyType=ec`: what is being created, in one line; for other actions nothing. */
export function tellingFields({ kind, action, diffs }: Change): readonly string[] {
  if (action !== 'create') return []
  const values = new Map(diffs.map(({ path, after }) => [path.replace(/^\/spec\//, ''), after]))
  const domains = values.get('domains')
  // It is one of the names anyway (BR 7.1.4.3).
  if (Array.isArray(domains) && domains.includes(values.get('commonName'))) values.delete('commonName')
  return (telling[kind] ?? [...values.keys()].slice(0, 4)).flatMap(name => {
    const value = values.get(name)
    const empty = value === undefined || value === null || (Array.isArray(value) && value.length === 0)
    return empty ? [] : [`${name}=${shortValue(value)}`]
  })
}

export interface FieldLine {
  readonly sign: '+' | '-' | '~'
  readonly text: string
}

/** The differing fields of a change, one line each; what is created or deleted as a whole has none. */
export function fieldLines({ action, diffs }: Pick<Change, 'action' | 'diffs'>): readonly FieldLine[] {
  return action === 'create' || action === 'delete' ? [] : diffs.map(fieldLine)
}

/** One difference: `ttl: 30d → 60d`. */
export function fieldLine({ path, before, after, forcesReplacement }: FieldDiff): FieldLine {
  const field = fieldName(path, before === null || after === null)
  const forces = forcesReplacement ? '  (forces replacement)' : ''
  if (before === null) return { sign: '+', text: `${field}: ${shortValue(after)}${forces}` }
  if (after === null) return { sign: '-', text: `${field}: ${shortValue(before)}${forces}` }
  // Two words for two values that are not shown would look like no change.
  if (before === '(secret)' && after === before) return { sign: '~', text: `${field}: (secret) changed${forces}` }
  return { sign: '~', text: `${field}: ${shortValue(before)} → ${shortValue(after)}${forces}` }
}

/** `/spec/domains/1` is `domains[1]`; an item that comes or goes is told by its value, not by its place. */
export function fieldName(path: string, comesOrGoes: boolean): string {
  const field = path.replace(/^(\/spec)?\//, '')
  const placed = comesOrGoes ? field.replace(/\/\d+$/, '') : field
  return visible(placed.replaceAll(/\/(\d+)(?=\/|$)/g, '[$1]').replaceAll('/', '.'))
}
