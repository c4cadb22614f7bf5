import { EngineError } from '../core/errors.ts'
import type { Secret } from '../core/secret.ts'
import { createCsr, parseCsr } from '../x509/csr.ts'
import { exportPrivateKey, generateKey, importPrivateKey, spkiOf } from '../x509/keys.ts'
import { allNames } from '../x509/names.ts'
import { namesOf, sameNames } from './identifier.ts'
import type { Issuance } from './issuance.ts'

/** What the order is finalized with. */
export interface CertificateKey {
  /** DER. */
  readonly csr: Uint8Array
  readonly spki: Uint8Array
  /** PKCS#8 DER; absent when the key is outside. */
  readonly privateKey?: Secret<Uint8Array>
}

const step = 'certificate_key'

/**
 * The key and CSR of this issuance: the ones that an earlier attempt stored, else new ones, durable before anything
 * is ordered. So a certificate that was issued while we crashed is always one whose key we hold.
 */
export async function certificateKey(issuance: Issuance): Promise<CertificateKey> {
  const { key, identifiers, journal } = issuance
  const names = namesOf(identifiers)
  if ('csr' in key) {
    const csr = parseCsr(key.csr)
    // RFC 8555 §7.4: exactly the names of the order.
    if (!sameNames(csr.names, names)) {
      throw new EngineError(
        'csr_invalid',
        `the CSR asks for ${allNames(csr.names).join(', ') || 'no names'} instead of ${allNames(names).join(', ')}`,
        { remedy: 'make the CSR and the names of the certificate the same' },
      )
    }
    return { csr: csr.der, spki: csr.spki }
  }
  const recalled = journal.recall(step)
  const stored = recalled && (await journal.secret(step, 'key'))
  if (recalled && stored && typeof recalled.data.csr === 'string') {
    const csr = Buffer.from(recalled.data.csr, 'base64')
    return { csr, spki: parseCsr(csr).spki, privateKey: stored }
  }
  const privateKey = 'generate' in key ? await generateKey(key.generate) : importPrivateKey(key.reuse)
  const csr = createCsr({ privateKey, names })
  const sealed = exportPrivateKey(privateKey)
  await journal.intend(step, { csr: Buffer.from(csr).toString('base64') }, { key: sealed })
  await journal.complete(step)
  return { csr, spki: spkiOf(privateKey), privateKey: sealed }
}
