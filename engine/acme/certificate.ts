import { EngineError } from '../core/errors.ts'
import { type CertificateInfo, parseCertificates, verifyChainOrder } from '../x509/certificate.ts'
import { attributeOf } from '../x509/distinguished-name.ts'
import { allNames, type SubjectAltNames, subjectAltNames } from '../x509/names.ts'
import { oids } from '../x509/oids.ts'
import { type Answer, excerpt, malformed } from './answer.ts'
import { sameNames } from './identifier.ts'
import { inParallel } from './in-parallel.ts'
import { linksOf } from './link-header.ts'
import { type AccountSession, postAs } from './session.ts'

/** A certificate as it came, leaf first, issuers behind it; the root is usually not among them. */
export type Chain = readonly [CertificateInfo, ...CertificateInfo[]]

const mediaType = 'application/pem-certificate-chain'

/** RFC 8555 §7.4.2 has no limit; no CA offers more than a few. */
const mostAlternates = 8

/**
 * Downloads a certificate (RFC 8555 §7.4.2). With `preferredChain`, the common name of a root, the first of the
 * offered chains whose top-most certificate that root issued (or is) is taken, else the CA's own choice.
 * Throws `acme_malformed` for anything but a chain in order.
 */
export function downloadCertificate(session: AccountSession, url: string, preferredChain?: string): Promise<Chain> {
  return session.trace.span('acme.download', { certificate: url }, async () => {
    const answer = await postAs(session, url, '', mediaType)
    const first = readChain(answer)
    if (preferredChain === undefined || endsAt(first, preferredChain)) return first
    const others = linksOf(answer.headers('link'), 'alternate', answer.url)
      .filter(each => each !== url)
      .slice(0, mostAlternates)
    const chains = await inParallel(others, 4, async each => readChain(await postAs(session, each, '', mediaType)))
    const preferred = chains.find(chain => endsAt(chain, preferredChain))
    if (!preferred) {
      const offered = [first, ...chains].map(chain => topIssuer(chain)).join('; ')
      session.log.warn(`acme: no chain ends at "${preferredChain}", the CA's own choice is used`, { offered })
    }
    return preferred ?? first
  })
}

/** What the certificate must be for. */
export interface Expectation {
  /** SubjectPublicKeyInfo of the CSR. */
  readonly spki: Uint8Array
  readonly names: SubjectAltNames
  readonly now: Date
}

/**
 * What is wrong with a certificate that should be for our key and exactly our names and still valid, or undefined: a
 * CA's mistake must not become ours.
 */
export function certificateFault([leaf]: Chain, expected: Expectation): string | undefined {
  if (Buffer.compare(leaf.spkiDer, expected.spki) !== 0) return 'is for another key'
  const names = subjectAltNames(leaf.names)
  if (!sameNames(names, expected.names)) {
    return `is for ${allNames(names).join(', ')} instead of ${allNames(expected.names).join(', ')}`
  }
  return leaf.notAfter < expected.now ? `expired on ${leaf.notAfter.toISOString()}` : undefined
}

function readChain(answer: Answer): Chain {
  try {
    const [leaf, ...issuers] = verifyChainOrder(parseCertificates(answer.body))
    if (leaf) return [leaf, ...issuers]
  } catch (cause) {
    const words = cause instanceof EngineError ? cause.message : excerpt(String(cause))
    throw malformed(answer, `answered with no certificate chain (${words})`, cause)
  }
  throw malformed(answer, 'answered with no certificate')
}

function topIssuer(chain: Chain): string {
  return (chain.at(-1) ?? chain[0]).issuerText
}

/** Whether the top-most certificate was issued by a CA of that common name. */
function endsAt(chain: Chain, commonName: string): boolean {
  const top = chain.at(-1) ?? chain[0]
  return attributeOf(top.issuerDer, oids.commonName) === commonName
}
