import type { Address } from '../core/address.ts'
import { EngineError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import type { CertificateRow, RecordedResource } from '../core/resource.ts'
import type { Secret } from '../core/secret.ts'
import type { Snapshot } from '../state/store.ts'
import { parseCertificate } from '../x509/certificate.ts'
import { importPrivateKey, privateKeyPem } from '../x509/keys.ts'
import { toPem } from '../x509/pem.ts'
import type { Session } from './session.ts'

/** A row of `trustform list`. */
export interface ListedObject {
  readonly address: Address
  readonly kind: string
  readonly name: string
  readonly id: string
  readonly owner: string
  readonly labels: Readonly<Record<string, string>>
  readonly revision: number
  readonly createdAt: string
  readonly updatedAt: string
  /** ISO instants; only where there is a certificate. */
  readonly notBefore?: string
  readonly notAfter?: string
  readonly serial?: string
}

/** What exists, by address; `expiringWithin` (seconds) keeps certificates that end by then. */
export async function listObjects(
  session: Session,
  filter: { readonly kind?: string; readonly expiringWithin?: number } = {},
): Promise<ListedObject[]> {
  const { resources } = await session.store.snapshot(session.tenant)
  const until =
    filter.expiringWithin === undefined ? undefined : session.clock.now().getTime() + filter.expiringWithin * 1000
  return resources
    .filter(resource => filter.kind === undefined || resource.kind === filter.kind)
    .map(listed)
    .filter(({ notAfter }) => until === undefined || (notAfter !== undefined && Date.parse(notAfter) <= until))
    .toSorted((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0))
}

function listed(resource: RecordedResource): ListedObject {
  const { address, kind, name, id, owner, labels, revision, createdAt, updatedAt, status } = resource
  const text = (field: string) => (typeof status[field] === 'string' ? { [field]: status[field] } : {})
  return {
    address,
    kind,
    name,
    id,
    owner,
    labels,
    revision,
    createdAt,
    updatedAt,
    ...text('notBefore'),
    ...text('notAfter'),
    ...text('serial'),
  }
}

/** One object with its current certificate, as far as its kind has one. */
export interface ObjectView {
  readonly resource: RecordedResource
  readonly certificate?: CertificateView
}

export interface CertificateView {
  readonly row: CertificateRow
  /** What the certificate itself says, for people and programs. */
  readonly facts: JsonObject
  /** The certificate alone. */
  readonly pem: string
  /** Its issuers, nearest first, without the root: what a server sends after its own. */
  readonly chainPem: string
  /** The self-signed certificate at which our own chains end; absent for foreign issuers. */
  readonly rootPem?: string
  /** Absent where the key stays outside. */
  readonly key?: () => Promise<Secret>
}

/** Throws `not_found` with the nearest remedy. */
export async function getObject(session: Session, address: Address): Promise<ObjectView> {
  const resource = await session.store.resource(session.tenant, address)
  if (!resource) {
    throw new EngineError('not_found', `${address} does not exist`, {
      address,
      remedy: '`trustform list` shows what exists',
    })
  }
  const row = await currentCertificate(session, resource)
  return { resource, ...(row && { certificate: await viewOf(session, row, () => internalChain(session, row)) }) }
}

/** The current certificate of a recorded resource, as far as it has one; for those who look at many in one state. */
export async function certificateOf(
  session: Session,
  resource: RecordedResource,
  state: Pick<Snapshot, 'resources'>,
): Promise<CertificateView | undefined> {
  const row = await currentCertificate(session, resource)
  return row && viewOf(session, row, () => knownChain(session, row, state))
}

async function currentCertificate(session: Session, resource: RecordedResource): Promise<CertificateRow | undefined> {
  const { certificateId } = resource.status
  if (typeof certificateId !== 'string') return undefined
  const [row] = await session.store.certificates(session.tenant, { id: certificateId })
  return row
}

async function viewOf(session: Session, row: CertificateRow, chain: () => Promise<Chain>): Promise<CertificateView> {
  const { keyId } = row
  return {
    row,
    // Not all who look want it read.
    get facts() {
      return factsOf(row)
    },
    pem: toPem('CERTIFICATE', row.der),
    ...(row.chain.length > 0 ? chainOf(row.chain) : await chain()),
    ...(keyId !== undefined && { key: () => openKey(session, keyId) }),
  }
}

type Chain = Pick<CertificateView, 'chainPem' | 'rootPem'>

function chainOf(issuers: readonly Uint8Array[]): Chain {
  const parsed = issuers.map(der => parseCertificate(der))
  const isRoot = (each: (typeof parsed)[number]) => each.subjectText === each.issuerText
  const root = parsed.find(isRoot)
  return {
    chainPem: parsed
      .filter(each => !isRoot(each))
      .map(each => toPem('CERTIFICATE', each.der))
      .join(''),
    ...(root && { rootPem: toPem('CERTIFICATE', root.der) }),
  }
}

const chains = new WeakMap<readonly RecordedResource[], Map<string, Chain>>()

/** Found once per state for all that an authority issued: a store answers an unchanged one with the same resources. */
async function knownChain(
  session: Session,
  row: CertificateRow,
  { resources }: Pick<Snapshot, 'resources'>,
): Promise<Chain> {
  // Whoever issued itself has none.
  if (row.issuerId === row.objectId) return internalChain(session, row)
  const known = chains.get(resources) ?? new Map<string, Chain>()
  chains.set(resources, known)
  const chain = known.get(row.issuerId) ?? (await internalChain(session, row))
  known.set(row.issuerId, chain)
  return chain
}

async function internalChain(session: Session, row: CertificateRow): Promise<Chain> {
  return chainOf(await internalIssuers(session, row))
}

/** The issuers that we hold ourselves, nearest first, the root last. */
async function internalIssuers(session: Session, row: CertificateRow): Promise<Uint8Array[]> {
  const issuers: Uint8Array[] = []
  const seen = new Set<string>()
  for (let issuerId = row.issuerId; issuerId !== '' && !seen.has(issuerId); ) {
    seen.add(issuerId)
    // Of several versions over one key the newest lives longest; all of them verify.
    const [issuer] = await session.store.certificates(session.tenant, { objectId: issuerId, limit: 1 })
    if (!issuer || issuer.id === row.id) break
    issuers.push(issuer.der)
    issuerId = issuer.issuerId
  }
  return issuers
}

async function openKey(session: Session, keyId: string): Promise<Secret> {
  const der = await session.unseal(keyId)
  if (der) return privateKeyPem(importPrivateKey(der))
  throw new EngineError('not_found', 'its private key was destroyed', { remedy: 'renew it to get a new key' })
}

function factsOf(row: CertificateRow): JsonObject {
  const { subjectText, issuerText, names, isCa } = parseCertificate(row.der)
  const { serial, notBefore, notAfter, revokedAt, revocationReason } = row
  return {
    id: row.id,
    serial,
    subject: subjectText,
    issuer: issuerText,
    names: { ...names },
    isCa,
    notBefore,
    notAfter,
    ...(revokedAt !== undefined && { revokedAt }),
    ...(revocationReason !== undefined && { revocationReason }),
  }
}
