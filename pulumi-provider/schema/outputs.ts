import { dnsProviderCatalogue, type Kind, kindCatalogue } from '../../schemas/generated/catalogue.ts'

/** A property that the provider computes, beside the inputs that every resource has as outputs too. */
export interface OutputField {
  readonly type: 'string' | 'strings'
  readonly description: string
  /** Present in every resource of the kind, once it exists. */
  readonly always?: true
  readonly secret?: true
}

export type OutputFields = Readonly<Record<string, OutputField>>

const validity = {
  serialNumber: { type: 'string', always: true, description: 'Serial number, hexadecimal.' },
  notBefore: { type: 'string', always: true, description: 'Valid from this instant (ISO 8601, UTC).' },
  notAfter: { type: 'string', always: true, description: 'Valid until this instant (ISO 8601, UTC).' },
  sha256Fingerprint: {
    type: 'string',
    always: true,
    description: 'SHA-256 over the DER encoding of the certificate, lower-case hexadecimal.',
  },
} as const satisfies OutputFields

const chain = {
  certificatePem: { type: 'string', always: true, description: 'The certificate alone, PEM.' },
  chainPem: {
    type: 'string',
    always: true,
    description: 'Its issuers, nearest first, without the root, PEM; empty directly below a root.',
  },
  rootPem: {
    type: 'string',
    description:
      'The self-signed certificate at which the chain ends, PEM; absent where a foreign issuer did not send it.',
  },
  ...validity,
  renewAt: {
    type: 'string',
    description: 'From this instant on it is renewed (ISO 8601, UTC); absent where it is not renewed by itself.',
  },
} as const satisfies OutputFields

const privateKeyPem = {
  type: 'string',
  secret: true,
  description: 'The private key, PKCS#8 PEM; only with exportPrivateKey, and absent where the key stays outside.',
} as const satisfies OutputField

/** What the provider computes for each kind, beside the inputs. A kind without an entry has its inputs alone. */
export const kindOutputs: Readonly<Partial<Record<string, OutputFields>>> = {
  CertificateAuthority: { ...chain, privateKeyPem },
  Certificate: {
    ...chain,
    fullchainPem: {
      type: 'string',
      always: true,
      description: 'The certificate and after it its issuers without the root, PEM: what a server sends.',
    },
    revokedAt: { type: 'string', description: 'When it was revoked (ISO 8601, UTC); absent while it is not.' },
    privateKeyPem,
  },
  AcmeAccount: {
    accountUrl: { type: 'string', always: true, description: "The account's address at the ACME server." },
    serverUrl: { type: 'string', always: true, description: "The ACME server's directory." },
  },
  DnsProvider: {
    zones: { type: 'strings', description: 'Zones that it serves, as seen when its credentials were verified.' },
  },
  TrustAnchor: validity,
  Secret: { fields: { type: 'strings', always: true, description: 'Names of the stored fields.' } },
} satisfies Readonly<Partial<Record<Kind, OutputFields>>>

/** Kinds whose deletion or replacement must be asked for: their drivers say `guarded`. */
export const guardedKinds: readonly string[] = ['AcmeAccount', 'CertificateAuthority', 'TrustAnchor']

/** Kinds whose private key can be asked for. */
export const keyHoldingKinds: readonly string[] = ['Certificate', 'CertificateAuthority']

/** Inputs of the provider's own, beside the kind's spec: never part of a manifest's `spec`. */
export const ownInputs = ['name', 'labels', 'lifecycle', 'adopt', 'allowDestroy', 'exportPrivateKey'] as const

/**
 * Top-level properties, inputs as well as outputs, that Pulumi must keep encrypted: those with a confidential field
 * anywhere below them, because SDKs mark only whole properties.
 */
export function secretProperties(kind: string): readonly string[] {
  const facts = kind === 'DnsProvider' ? Object.values(dnsProviderCatalogue) : [factsOf(kind)]
  const inputs = facts.flatMap(each => each?.secrets ?? []).flatMap(pointer => pointer.split('/')[1] ?? [])
  const outputs = Object.entries(kindOutputs[kind] ?? {}).flatMap(([name, { secret }]) => (secret ? [name] : []))
  return [...new Set([...inputs, ...outputs])]
}

// Object.hasOwn has made the key one of the catalogue's.
const factsOf = (kind: string) => (Object.hasOwn(kindCatalogue, kind) ? kindCatalogue[kind as Kind] : undefined)
