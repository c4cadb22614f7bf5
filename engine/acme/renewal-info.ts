import { createHash } from 'node:crypto'
import { EngineError } from '../core/errors.ts'
import { type Answer, fieldsOf, jsonObject, malformed } from './answer.ts'
import { parseRetryAfter } from './retry-after.ts'
import type { AcmeServer } from './session.ts'

export interface RenewalWindow {
  readonly start: Date
  readonly end: Date
}

/** RFC 9773 §4.2. */
export interface RenewalInfo {
  readonly window: RenewalWindow
  /** Where the CA says why, when it asks for an early renewal. */
  readonly explanationUrl: string | undefined
  /** Seconds until it is worth asking again, between a minute and a day. */
  readonly retryAfter: number
}

const minute = 60
const day = 86_400

/**
 * RFC 9773 §4.1: the AKI's keyIdentifier and the serial's DER contents, each base64url. `serial` is hexadecimal in
 * any spelling; a serial whose first bit is set keeps the leading zero octet of its DER.
 */
export function certId(authorityKeyId: Uint8Array, serial: string): string {
  const digits = serial.replaceAll(':', '').replace(/^0+(?=.)/, '')
  const even = digits.length % 2 === 0 ? digits : `0${digits}`
  const octets = Buffer.from(/^[89a-f]/i.test(even) ? `00${even}` : even, 'hex')
  return `${Buffer.from(authorityKeyId).toString('base64url')}.${octets.toString('base64url')}`
}

/**
 * The CA's advice on when to renew, or undefined where the CA gives none. Throws `acme_malformed` for a window that
 * ends before it starts, `acme_unreachable` and others; the caller then falls back to `renewalByLifetime`.
 */
export async function fetchRenewalInfo(server: AcmeServer, id: string): Promise<RenewalInfo | undefined> {
  const { renewalInfo } = await server.directory()
  if (renewalInfo === undefined) return undefined
  return server.trace.span('acme.renewal_info', { certificate: id }, async () => {
    const answer = await server.get(`${renewalInfo.replace(/\/$/, '')}/${id}`)
    return readRenewalInfo(answer, server.clock.now())
  })
}

function readRenewalInfo(answer: Answer, now: Date): RenewalInfo {
  const fields = fieldsOf(jsonObject(answer), answer)
  const window = fieldsOf(fields.object('suggestedWindow'), answer)
  const start = window.instant('start')
  const end = window.instant('end')
  // RFC 9773 §4.2: such a window counts as if there were none.
  if (end <= start) throw malformed(answer, 'answered with a renewal window that ends before it starts')
  const asked = parseRetryAfter(answer.header('retry-after'), now)
  return {
    window: { start, end },
    explanationUrl: fields.optionalString('explanationURL'),
    // RFC 9773 §4.3.2: reasonable limits; six hours where the header is missing.
    retryAfter: asked === undefined ? day / 4 : Math.min(Math.max(asked, minute), day),
  }
}

/**
 * The instant within the window at which this certificate is renewed. RFC 9773 §4.2 wants a uniformly random one; a
 * hash of serial and window is that over all certificates, and the same again for every plan and after every restart.
 */
export function chooseRenewalTime(window: RenewalWindow, serial: string): Date {
  const start = window.start.getTime()
  const length = window.end.getTime() - start
  const digits = serial
    .replaceAll(':', '')
    .replace(/^0+(?=.)/, '')
    .toUpperCase()
  const digest = createHash('sha256').update(`${digits} ${start} ${window.end.getTime()}`).digest()
  return new Date(start + Math.floor((digest.readUIntBE(0, 6) / 2 ** 48) * length))
}

/**
 * When to renew without the CA's advice: after two thirds of the lifetime, half of it when it is under ten days, which
 * is 30 days before the end of a 90-day certificate. `renewBefore` (seconds) asks for another distance; one as long as
 * the lifetime or longer counts as none, because each renewal would at once be due again.
 */
export function renewalByLifetime(validity: { notBefore: Date; notAfter: Date }, renewBefore?: number): Date {
  const end = validity.notAfter.getTime()
  const lifetime = end - validity.notBefore.getTime()
  if (lifetime <= 0) throw new EngineError('certificate_invalid', 'the certificate ends before it begins')
  const share = lifetime < 10 * day * 1000 ? lifetime / 2 : lifetime / 3
  const asked = renewBefore === undefined ? Number.POSITIVE_INFINITY : renewBefore * 1000
  return new Date(end - Math.floor(asked < lifetime ? asked : share))
}
