/**
 * Issuing in-process against the bare signature it contains: P-256 leaf by P-256 CA, key given, with SAN, KU, EKU, BC,
 * SKI and AKI, a random serial and another subject each time. Run it with: node test/bench/issue.bench.ts
 */
import { randomBytes, sign, X509Certificate } from 'node:crypto'
import { pathToFileURL } from 'node:url'
import { signCaCertificate } from '../../engine/x509/ca-certificate.ts'
import { createIssuer } from '../../engine/x509/issue.ts'
import { generateKeySync, spkiOf } from '../../engine/x509/keys.ts'
import { newSerial, serialSource } from '../../engine/x509/serials.ts'
import { nestValidity } from '../../engine/x509/validity.ts'
import type { BenchResult } from './result.ts'

const rounds = 15
const perRound = 1500
const keys = 256
const wantedRatio = 0.5

/** Interleaved, so that a busy machine slows both sides alike; medians, so that one stall counts for nothing. */
export async function run(): Promise<BenchResult[]> {
  const random = { bytes: (length: number) => randomBytes(length) }
  const now = new Date()
  const rootKey = generateKeySync({ type: 'ec', size: 256 })
  const root = await signCaCertificate({
    signing: { selfSignedBy: rootKey },
    commonName: 'Bench Root CA',
    ...nestValidity([], 'backdated', 3650 * 86_400, now),
    serial: newSerial(random),
  })
  const issuer = createIssuer({ certificateDer: root.der, privateKey: rootKey })
  const template = issuer.template({ extendedKeyUsages: ['serverAuth', 'clientAuth'], maxTtl: 90 * 86_400 })
  const spkis = Array.from({ length: keys }, () => spkiOf(generateKeySync({ type: 'ec', size: 256 })))
  const nextSerial = serialSource(random)
  const tbs = randomBytes(600)
  let counter = 0

  const issueOne = (): Uint8Array => {
    const name = `host-${counter}.bench.example`
    const spki = spkis[counter++ % keys] ?? tbs
    const validity = nestValidity(issuer.chain, 'backdated', 90 * 86_400, now)
    return template.issueSync({ spki, commonName: name, names: { dns: [name] }, ...validity, serial: nextSerial() }).der
  }
  const signOne = (): Uint8Array => sign('sha256', tbs, rootKey)

  assertComplete(issueOne())
  rate(signOne)
  rate(issueOne)
  const bare: number[] = []
  const full: number[] = []
  for (let round = 0; round < rounds; round++) {
    bare.push(rate(signOne))
    full.push(rate(issueOne))
  }
  const ratio = median(full.map((each, i) => each / (bare[i] ?? Number.NaN)))
  return [
    {
      name: 'issue a P-256 leaf by a P-256 CA',
      figures: {
        bareSignaturesPerSecond: Math.round(median(bare)),
        issuedPerSecond: Math.round(median(full)),
        ratio: Number(ratio.toFixed(3)),
        encodingMicroseconds: Number((1e6 / median(full) - 1e6 / median(bare)).toFixed(1)),
        derOctets: issueOne().length,
      },
      gate: { want: `ratio ≥ ${wantedRatio}`, met: ratio >= wantedRatio },
    },
  ]
}

/** What is measured must be a certificate that has everything the gate names. */
function assertComplete(der: Uint8Array): void {
  const text = new X509Certificate(der)
  const oidsWanted = ['551d11', '551d0f', '551d25', '551d13', '551d0e', '551d23']
  const hex = Buffer.from(der).toString('hex')
  const missing = oidsWanted.filter(oid => !hex.includes(`0603${oid}`))
  if (missing.length > 0 || !text.subjectAltName) throw new Error(`the measured certificate lacks ${missing.join()}`)
}

function rate(work: () => unknown): number {
  const start = performance.now()
  for (let i = 0; i < perRound; i++) work()
  return (perRound * 1000) / (performance.now() - start)
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const results = await run()
  process.stdout.write(`${JSON.stringify(results, null, 2)}\n`)
  if (results.some(result => result.gate?.met === false)) process.exitCode = 1
}
