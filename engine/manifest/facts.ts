import { dnsProviderCatalogue, type Kind, type KindFacts, kindCatalogue } from '../../schemas/generated/catalogue.ts'
import { isJsonObject, type Json } from '../core/json.ts'
import { type Pattern, patternOf } from './pattern.ts'

/** The catalogue's patterns, split for walking. */
export interface Facts {
  /** Key of the validator and of the schema. */
  readonly schema: string
  readonly refs: readonly { readonly pattern: Pattern; readonly kind: string }[]
  readonly secrets: readonly Pattern[]
  readonly secretable: readonly Pattern[]
  readonly files: readonly { readonly pattern: Pattern; readonly into?: string }[]
  readonly formats: readonly { readonly pattern: Pattern; readonly format: string }[]
  readonly defaults: KindFacts['defaults']
  /** Maps that an overlay replaces whole: `{env: A}` and `{file: B}` do not mix. */
  readonly whole: readonly Pattern[]
}

const split = new Map<string, Facts>()

export function isKind(kind: string): kind is Kind {
  return Object.hasOwn(kindCatalogue, kind)
}

/** What the schemas say of a resource; a DNS provider's type completes its kind. */
export function factsOf(kind: Kind, spec: Json | undefined): Facts {
  const type = kind === 'DnsProvider' && isJsonObject(spec) ? spec.providerType : undefined
  const known = typeof type === 'string' && Object.hasOwn(dnsProviderCatalogue, type)
  const schema = known ? `${kind}:${type}` : kind
  const remembered = split.get(schema)
  if (remembered) return remembered
  // The key was looked up just above.
  const facts = splitFacts(
    schema,
    known ? dnsProviderCatalogue[type as keyof typeof dnsProviderCatalogue] : kindCatalogue[kind],
  )
  split.set(schema, facts)
  return facts
}

function splitFacts(schema: string, facts: KindFacts): Facts {
  const refs = facts.refs.map(({ pointer, kind }) => ({ pattern: patternOf(pointer), kind }))
  const secrets = facts.secrets.map(patternOf)
  const secretable = facts.secretable.map(patternOf)
  const files = facts.files.map(({ pointer, into }) => ({
    pattern: patternOf(pointer),
    ...(into !== undefined && { into }),
  }))
  return {
    schema,
    refs,
    secrets,
    secretable,
    files,
    formats: facts.formats.map(({ pointer, format }) => ({ pattern: patternOf(pointer), format })),
    defaults: facts.defaults,
    whole: [...secrets, ...secretable, ...[...refs, ...files].map(({ pattern }) => pattern)],
  }
}
