import type { CertificateAuthoritySpec } from '../../../schemas/generated/types.ts'
import { parseDuration } from '../../core/duration.ts'
import { EngineError } from '../../core/errors.ts'
import { newId } from '../../core/ids.ts'
import type { RecordedResource } from '../../core/resource.ts'
import type { Secret } from '../../core/secret.ts'
import { type CaSigning, signCaCertificate } from '../../x509/ca-certificate.ts'
import { parseCertificate } from '../../x509/certificate.ts'
import { exportPrivateKey, generateKey, importPrivateKey, parseKeySpec, spkiOf } from '../../x509/keys.ts'
import { newSerial } from '../../x509/serials.ts'
import { nestValidity, type Validity } from '../../x509/validity.ts'
import { fittingValidity, openAuthority } from '../authority.ts'
import type { Driver, NewCertificate, Operation, OperationContext, Outcome, Removal } from '../driver.ts'
import { specOf } from '../spec.ts'
import { checkAuthority } from './check.ts'
import { authorityRenewalTime, decideAuthority } from './decide.ts'

/**
 * An authority: a key that we keep and a certificate over it. Renewing or re-issuing makes a new certificate over the
 * same key, so that everything below stays valid; replacing makes a new key.
 */
export const driver: Driver = {
  kind: 'CertificateAuthority',
  idPrefix: 'ca',
  guarded: true,
  check: checkAuthority,
  decide: decideAuthority,
  renewalTime: authorityRenewalTime,
  async create(operation, context) {
    const { keyType, keySize } = specOf<CertificateAuthoritySpec>(operation)
    context.progress('making the key')
    const key = exportPrivateKey(await generateKey(parseKeySpec(keyType, keySize)))
    return certify(operation, context, key, { privateKey: key })
  },
  update: async operation => ({ status: operation.recorded?.status ?? {} }),
  renew: certifyAgain,
  reissue: certifyAgain,
  fate,
  delete: retire,
}

/** A root cannot revoke itself (RFC 5280 §6.1.1 d: a trust anchor is trusted until it is removed). */
function fate({ lifecycle, spec }: RecordedResource): string {
  const revoked = spec.type === 'intermediate' ? 'its certificates are revoked by its parent' : 'its certificates stay'
  return {
    retain: 'its certificates and key stay in the inventory',
    revoke: `${revoked}, its key stays`,
    destroy: `${revoked}, its key is destroyed: nothing below it can be revoked any more`,
  }[lifecycle.onDelete ?? 'retain']
}

async function retire(operation: Operation, context: OperationContext): Promise<Removal> {
  const onDelete = operation.lifecycle.onDelete ?? 'retain'
  if (onDelete === 'retain') return {}
  const now = context.clock.now().toISOString()
  const versions = await context.certificates(operation.id)
  const live = versions.filter(
    ({ revokedAt, notAfter, issuerId }) => revokedAt === undefined && notAfter > now && issuerId !== operation.id,
  )
  const keyId = operation.recorded?.status.keyId
  return {
    revocations: live.map(({ id }) => ({ certificateId: id, reason: 'cessationOfOperation' })),
    destroyKeys: onDelete === 'destroy' && typeof keyId === 'string' ? [keyId] : [],
  }
}

async function certifyAgain(operation: Operation, context: OperationContext): Promise<Outcome> {
  const keyId = operation.recorded?.status.keyId
  const key = typeof keyId === 'string' ? await context.unseal(keyId) : undefined
  if (typeof keyId !== 'string' || !key) {
    throw new EngineError('secret_corrupt', `the key of ${operation.address} is missing from the state`, {
      address: operation.address,
      remedy: 'restore the state from a backup',
    })
  }
  return certify(operation, context, key, { keyId })
}

async function certify(
  operation: Operation,
  context: OperationContext,
  key: Secret<Uint8Array>,
  holding: NonNullable<NewCertificate['key']>,
): Promise<Outcome> {
  const spec = specOf<CertificateAuthoritySpec>(operation)
  const privateKey = importPrivateKey(key)
  const parent = spec.type === 'root' ? undefined : await openAuthority(context, spec.parent)
  const signing: CaSigning = parent ? { issuer: parent.issuer, spki: spkiOf(privateKey) } : { selfSignedBy: privateKey }
  const validity = validityOf(spec, parent?.issuer, context.clock.now())
  context.progress('signing')
  const { der } = await signCaCertificate({
    signing,
    ...validity,
    commonName: spec.commonName,
    subject: spec.subject,
    serial: newSerial(context.random),
    maxPathLength: spec.maxPathLength,
    nameConstraints: spec.nameConstraints,
  })
  const id = newId('crt', context.random)
  const issuerId = parent?.resource.id ?? operation.id
  const { serialHex: serial, subjectText: subject } = parseCertificate(der)
  const [notBefore, notAfter] = [validity.notBefore.toISOString(), validity.notAfter.toISOString()]
  const keyId = 'keyId' in holding ? holding.keyId : `${id}/key`
  return {
    status: { certificateId: id, keyId, issuerId, serial, subject, notBefore, notAfter },
    certificates: [{ id, objectId: operation.id, issuerId, serial, notBefore, notAfter, der, chain: [], key: holding }],
  }
}

function validityOf(
  { validity }: CertificateAuthoritySpec,
  parent: Parameters<typeof fittingValidity>[0] | undefined,
  now: Date,
): Validity {
  const seconds = parseDuration(validity)
  return parent ? fittingValidity(parent, seconds, now) : nestValidity([], 'backdated', seconds, now)
}
