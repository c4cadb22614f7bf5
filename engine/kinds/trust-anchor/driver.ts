import type { TrustAnchorSpec } from '../../../schemas/generated/types.ts'
import { EngineError } from '../../core/errors.ts'
import { newId } from '../../core/ids.ts'
import { type CertificateInfo, fingerprintOf, parseCertificate } from '../../x509/certificate.ts'
import type { Driver, Finding, Operation, OperationContext, Outcome, Subject, World } from '../driver.ts'
import { specOf } from '../spec.ts'

/** A certificate of somebody else that chains may end at. */
export const driver: Driver = {
  kind: 'TrustAnchor',
  idPrefix: 'ta',
  guarded: true,
  check,
  fate: () => 'its certificate stays in the inventory',
  create: record,
  update: async operation => ({ status: operation.recorded?.status ?? {} }),
  delete: async () => ({}),
}

function check(subject: Subject, world: World): readonly Finding[] {
  const pem = specOf<TrustAnchorSpec>(subject).certificatePem ?? ''
  const finding = (message: string, remedy: string, level: Finding['level'] = 'warning'): Finding => ({
    check: 'trust-anchor',
    level,
    code: 'certificate_invalid',
    message,
    remedy,
    pointer: '/spec/certificatePem',
  })
  let certificate: CertificateInfo
  try {
    certificate = parseCertificate(pem)
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return [finding(error.message, error.remedy ?? 'give a certificate as PEM', 'error')]
  }
  const findings: Finding[] = []
  if (!certificate.isCa) {
    findings.push(
      finding('the certificate is not an authority, so no chain can end at it', 'give the root certificate'),
    )
  }
  if (certificate.notAfter <= world.now) {
    findings.push(finding(`the certificate expired on ${certificate.notAfter.toISOString()}`, 'give a valid one'))
  }
  return findings
}

async function record(operation: Operation, context: OperationContext): Promise<Outcome> {
  const certificate = parseCertificate(specOf<TrustAnchorSpec>(operation).certificatePem ?? '')
  const id = newId('crt', context.random)
  return {
    status: {
      certificateId: id,
      serial: certificate.serialHex,
      subject: certificate.subjectText,
      fingerprint: fingerprintOf(certificate.der),
      notBefore: certificate.notBefore.toISOString(),
      notAfter: certificate.notAfter.toISOString(),
    },
    certificates: [
      {
        id,
        objectId: operation.id,
        issuerId: '',
        serial: certificate.serialHex,
        notBefore: certificate.notBefore.toISOString(),
        notAfter: certificate.notAfter.toISOString(),
        der: certificate.der,
        chain: [],
      },
    ],
  }
}
