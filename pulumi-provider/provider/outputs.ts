import { createHash } from 'node:crypto'
import type { CertificateView, Look } from '../../engine/index.ts'
import { type Properties, SecretValue, type Value } from '../ports.ts'
import { kindOutputs } from '../schema/outputs.ts'

type Teller = (look: Look) => Value | undefined | Promise<Value | undefined>

const ofCertificate =
  (tell: (view: CertificateView) => Value | undefined): Teller =>
  ({ certificate }) =>
    certificate && tell(certificate)

const ofStatus =
  (field: string): Teller =>
  ({ resource }) => {
    const value = resource.status[field]
    if (typeof value === 'string') return value
    return Array.isArray(value) ? value.map(String) : undefined
  }

/** How each computed property is told; the schema says which kind has which. */
export const tellers: Readonly<Record<string, Teller>> = {
  certificatePem: ofCertificate(({ pem }) => pem),
  chainPem: ofCertificate(({ chainPem }) => chainPem),
  rootPem: ofCertificate(view => view.rootPem ?? (view.facts.subject === view.facts.issuer ? view.pem : undefined)),
  fullchainPem: ofCertificate(({ pem, chainPem }) => pem + chainPem),
  serialNumber: ofCertificate(({ row }) => row.serial),
  notBefore: ofCertificate(({ row }) => row.notBefore),
  notAfter: ofCertificate(({ row }) => row.notAfter),
  sha256Fingerprint: ofCertificate(({ row }) => createHash('sha256').update(row.der).digest('hex')),
  renewAt: ({ renewsAt }) => renewsAt?.toISOString(),
  revokedAt: ({ resource, live }) => {
    const at = resource.status.revokedAt ?? live?.facts.revokedAt
    return typeof at === 'string' ? at : undefined
  },
  privateKeyPem: async ({ certificate }) => {
    const key = await certificate?.key?.()
    return key && new SecretValue(key.reveal())
  },
  accountUrl: ofStatus('url'),
  serverUrl: ofStatus('directoryUrl'),
  zones: ofStatus('zones'),
  fields: ofStatus('fields'),
}

/** The computed properties of a kind, by name; the private key only where it is asked for. */
export function outputNames(kind: string, exportPrivateKey: boolean): readonly string[] {
  return Object.keys(kindOutputs[kind] ?? {}).filter(name => name !== 'privateKeyPem' || exportPrivateKey)
}

/** What the provider computes for a recorded resource. */
export async function computed(look: Look, exportPrivateKey: boolean): Promise<Properties> {
  const outputs: { [name: string]: Value } = {}
  for (const name of outputNames(look.resource.kind, exportPrivateKey)) {
    const value = await tellers[name]?.(look)
    if (value !== undefined) outputs[name] = value
  }
  return outputs
}
