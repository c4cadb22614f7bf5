import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../core/secret.ts'
import { classes, rcodeName, rcodes, recordTypes } from './wire/codes.ts'
import { type DecodedMessage, decodeMessage, encodeRecord } from './wire/message.ts'
import { encodeName, readName } from './wire/name.ts'
import { concat, MalformedMessage, type OctetReader, readUint, take, uint } from './wire/octets.ts'

/** RFC 8945 §6 algorithms by name on the wire, with Node's digest; MD5 and SHA-1 are not offered. */
export const tsigAlgorithms = {
  'hmac-sha224': 'sha224',
  'hmac-sha256': 'sha256',
  'hmac-sha384': 'sha384',
  'hmac-sha512': 'sha512',
} as const

export type TsigAlgorithm = keyof typeof tsigAlgorithms

export interface TsigKey {
  /** The key's name on both sides, a domain name. */
  readonly name: string
  readonly algorithm: TsigAlgorithm
  readonly secret: Secret<Uint8Array>
}

/** RFC 8945 §10: the recommended tolerance between the two clocks, in seconds. */
const fudge = 300

/** Why an exchange under TSIG failed: the server's own error, or a response that proves nothing. */
export class TsigFailure extends Error {
  override readonly name = 'TsigFailure'
  readonly reason: 'BADSIG' | 'BADKEY' | 'BADTIME' | 'BADTRUNC' | 'unsigned' | 'forged'
  /** BADTIME: the server's clock minus ours, in seconds. */
  readonly clockDifference: number | undefined

  constructor(reason: TsigFailure['reason'], message: string, clockDifference?: number) {
    super(message)
    this.reason = reason
    this.clockDifference = clockDifference
  }
}

export interface SignedRequest {
  readonly bytes: Uint8Array
  /** The response's MAC covers it. */
  readonly mac: Uint8Array
}

/** Appends a TSIG record to an encoded message (RFC 8945 §4.2, §5.1). */
export function signMessage(message: Uint8Array, key: TsigKey, now: Date): SignedRequest {
  const signed = { time: Math.floor(now.getTime() / 1000), fudge, error: 0, other: new Uint8Array() }
  const mac = digest(key, message, variables(key, signed))
  return { bytes: append(message, tsigRecord(key, message, signed, mac)), mac }
}

/**
 * Checks that a response comes from a holder of the key and answers this request, and decodes it without its
 * TSIG. An error that the server may send unsigned (RFC 8945 §5.3.2) is reported as what it claims to be.
 * Throws `TsigFailure`, or `MalformedMessage`.
 */
export function verifyResponse(bytes: Uint8Array, key: TsigKey, requestMac: Uint8Array, now: Date): DecodedMessage {
  const message = decodeMessage(bytes)
  const tsig = readTsig(message)
  if (tsig === undefined) {
    throw new TsigFailure('unsigned', `the server answered ${rcodeName(message.rcode)} without a signature`)
  }
  throwServerError(tsig, now)
  const unsigned = strip(bytes, message, tsig)
  const expected = digest(key, concat(uint(requestMac.length, 2), requestMac, unsigned), variables(key, tsig))
  if (tsig.name !== canonical(key.name) || tsig.algorithm !== key.algorithm || !equal(expected, tsig.mac)) {
    throw new TsigFailure('forged', `the response's signature does not fit the key ${key.name}`)
  }
  const difference = tsig.time - Math.floor(now.getTime() / 1000)
  if (Math.abs(difference) > tsig.fudge) throw badTime(difference)
  return decodeMessage(unsigned)
}

interface SignedValues {
  readonly time: number
  readonly fudge: number
  readonly error: number
  readonly other: Uint8Array
}

interface TsigRecord extends SignedValues {
  readonly name: string
  readonly algorithm: string
  readonly mac: Uint8Array
  readonly originalId: number
}

function throwServerError(tsig: TsigRecord, now: Date): void {
  if (tsig.error === rcodes.NOERROR) return
  if (tsig.error === rcodes.BADTIME) {
    const reader: OctetReader = { bytes: tsig.other, offset: 0 }
    const serverTime = tsig.other.length === 6 ? readUint(reader, 6) : tsig.time
    throw badTime(serverTime - Math.floor(now.getTime() / 1000))
  }
  const reasons = {
    [rcodes.BADSIG]: ['BADSIG', 'the server refuses the signature: its secret for the key differs from ours'],
    [rcodes.BADKEY]: ['BADKEY', 'the server does not know the key under this name and algorithm'],
    [rcodes.BADTRUNC]: ['BADTRUNC', 'the server wants a longer signature'],
  } as const
  const known = reasons[tsig.error as keyof typeof reasons] // as: an unknown number gives undefined, handled below
  if (known === undefined) throw new TsigFailure('forged', `the server reports the TSIG error ${rcodeName(tsig.error)}`)
  throw new TsigFailure(known[0], known[1])
}

function badTime(difference: number): TsigFailure {
  const words = `the server's clock is ${Math.abs(difference)} s ${difference > 0 ? 'ahead of' : 'behind'} ours`
  return new TsigFailure('BADTIME', words, difference)
}

function digest(key: TsigKey, ...parts: readonly Uint8Array[]): Uint8Array {
  const mac = createHmac(tsigAlgorithms[key.algorithm], key.secret.reveal())
  for (const part of parts) mac.update(part)
  return Uint8Array.from(mac.digest())
}

const canonical = (name: string) => name.toLowerCase().replace(/\.$/, '')

/** RFC 8945 §4.3.3: names in canonical form, lower case and uncompressed. */
function variables(key: TsigKey, { time, fudge, error, other }: SignedValues): Uint8Array {
  return concat(
    encodeName(key.name),
    uint(classes.ANY, 2),
    uint(0, 4),
    encodeName(key.algorithm),
    uint(time, 6),
    uint(fudge, 2),
    uint(error, 2),
    uint(other.length, 2),
    other,
  )
}

function tsigRecord(key: TsigKey, message: Uint8Array, signed: SignedValues, mac: Uint8Array): Uint8Array {
  const octets = concat(
    encodeName(key.algorithm),
    uint(signed.time, 6),
    uint(signed.fudge, 2),
    uint(mac.length, 2),
    mac,
    message.subarray(0, 2),
    uint(signed.error, 2),
    uint(signed.other.length, 2),
    signed.other,
  )
  const data = { kind: 'octets', octets } as const
  return encodeRecord({ name: key.name, type: recordTypes.TSIG, class: classes.ANY, ttl: 0, data })
}

function readTsig(message: DecodedMessage): TsigRecord | undefined {
  const last = message.additionals.at(-1)
  if (last?.type !== recordTypes.TSIG || last.data.kind !== 'octets') return undefined
  const reader: OctetReader = { bytes: last.data.octets, offset: 0 }
  const algorithm = readName(reader)
  const time = readUint(reader, 6)
  const allowed = readUint(reader, 2)
  const mac = take(reader, readUint(reader, 2))
  const originalId = readUint(reader, 2)
  const error = readUint(reader, 2)
  const other = take(reader, readUint(reader, 2))
  if (reader.offset !== last.data.octets.length) throw new MalformedMessage('the TSIG record has octets left over')
  return { name: last.name, algorithm, time, fudge: allowed, mac, originalId, error, other }
}

/** The message as it was signed: without the TSIG record, with the identifier that the signer saw (§5.2.2). */
function strip(bytes: Uint8Array, message: DecodedMessage, tsig: TsigRecord): Uint8Array {
  return concat(
    uint(tsig.originalId, 2),
    bytes.subarray(2, 10),
    uint(message.additionals.length - 1, 2),
    bytes.subarray(12, message.lastRecordOffset),
  )
}

function append(message: Uint8Array, record: Uint8Array): Uint8Array {
  const count = (message[10] ?? 0) * 256 + (message[11] ?? 0)
  return concat(message.subarray(0, 10), uint(count + 1, 2), message.subarray(12), record)
}

const equal = (a: Uint8Array, b: Uint8Array) => a.length === b.length && timingSafeEqual(a, b)
