import type { TrustAnchorSpec } from '../../../schemas/generated/types.ts'
import { newId } from '../../core/ids.ts'
import { fingerprintOf, parseCertificate } from '../../x509/certificate.ts'
import type { Driver, Finding, Operation, OperationContext, Outcome, Subject, World } from '../driver.ts'
import { specOf } from '../spec.ts'

/** A certificate of somebody else that chains may end at. */
export const driver: Driver = {
  kind: 'TrustAnchor',
  idPrefix: 'ta',
  guarded: true,
  check,
  create: record,
  update: async operation => ({ status: operation.recorded?.status ?? {} }),
  delete: async () => ({}),
}

function check(subject: Subject, world: World): readonly Finding[] {
  const pem = specOf<TrustAnchorSpec>(subject).certificatePem ?? ''
  const certificate = parseCertificate(pem)
  const finding = (message: string, remedy: string): Finding => ({
    check: 'trust-anchor',
    level: 'warning',
    code: 'certificate_invalid',
    message,
    remedy,
    pointer: '/spec/certificatePem',
  })
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
