import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { SshReader } from './ssh-wire.ts'

/** A public key as ssh writes it, ready to verify signature blobs of RFC 4253 §6.6. */
export interface SshKey {
  readonly type: string
  /** Whether this signature over `data` is the key's. False for algorithms that are not the key's own. */
  verify(data: Buffer, signature: Buffer): boolean
}

const smallestRsa = 2048

/** RFC 5656 §3.1.2, FIPS 186-5: the curve's hash goes with its size. */
const curves: Readonly<Record<string, { crv: string; octets: number; hash: string }>> = {
  nistp256: { crv: 'P-256', octets: 32, hash: 'sha256' },
  nistp384: { crv: 'P-384', octets: 48, hash: 'sha384' },
  nistp521: { crv: 'P-521', octets: 66, hash: 'sha512' },
}

/** RFC 8332 §3. `ssh-rsa`, with SHA-1, is not among them. */
const rsaHashes: Readonly<Record<string, string>> = { 'rsa-sha2-256': 'sha256', 'rsa-sha2-512': 'sha512' }

const readers: Readonly<Record<string, (reader: SshReader, type: string) => SshKey['verify']>> = {
  'ssh-ed25519': readEd25519,
  'ecdsa-sha2-nistp256': readEcdsa,
  'ecdsa-sha2-nistp384': readEcdsa,
  'ecdsa-sha2-nistp521': readEcdsa,
  'ssh-rsa': readRsa,
  // OpenSSH's PROTOCOL.u2f: keys in a security token.
  'sk-ssh-ed25519@openssh.com': readTokenEd25519,
  'sk-ecdsa-sha2-nistp256@openssh.com': readTokenEcdsa,
}

/** Reads a key blob; undefined for a type that is not known, or a key that is malformed or too weak. */
export function readSshKey(blob: Buffer): SshKey | undefined {
  try {
    const reader = new SshReader(blob)
    const type = reader.text()
    const read = Object.hasOwn(readers, type) ? readers[type] : undefined
    if (!read) return undefined
    const check = read(reader, type)
    reader.end()
    return {
      type,
      verify(data, signature) {
        try {
          return check(data, signature)
        } catch {
          return false // malformed
        }
      },
    }
  } catch {
    return undefined
  }
}

function readEd25519(reader: SshReader): SshKey['verify'] {
  const key = ed25519(reader.string())
  return (data, signature) => {
    const inner = new SshReader(signature)
    if (inner.text() !== 'ssh-ed25519') return false
    const octets = inner.string()
    inner.end()
    return octets.length === 64 && verify(null, data, key, octets)
  }
}

function readEcdsa(reader: SshReader, type: string): SshKey['verify'] {
  const { key, octets, hash } = ecdsa(reader)
  if (type !== `ecdsa-sha2-${key.name}`) throw new RangeError('another curve than its type says')
  return (data, signature) => {
    const inner = new SshReader(signature)
    if (inner.text() !== type) return false
    const both = pair(inner.string(), octets)
    inner.end()
    return verify(hash, data, { key: key.object, dsaEncoding: 'ieee-p1363' }, both)
  }
}

function readRsa(reader: SshReader): SshKey['verify'] {
  const exponent = reader.positive()
  const modulus = reader.positive()
  const key = publicKey({ kty: 'RSA', e: exponent.toString('base64url'), n: modulus.toString('base64url') })
  if ((key.asymmetricKeyDetails?.modulusLength ?? 0) < smallestRsa) throw new RangeError('too short')
  return (data, signature) => {
    const inner = new SshReader(signature)
    const hash = rsaHashes[inner.text()]
    const octets = inner.string()
    inner.end()
    return hash !== undefined && verify(hash, data, key, octets)
  }
}

function readTokenEd25519(reader: SshReader): SshKey['verify'] {
  const key = ed25519(reader.string())
  const application = reader.string()
  return (data, signature) => {
    const { type, blob, signed } = tokenSignature(application, data, signature)
    return type === 'sk-ssh-ed25519@openssh.com' && blob.length === 64 && verify(null, signed, key, blob)
  }
}

function readTokenEcdsa(reader: SshReader): SshKey['verify'] {
  const { key, octets } = ecdsa(reader)
  if (key.name !== 'nistp256') throw new RangeError('another curve than its type says')
  const application = reader.string()
  return (data, signature) => {
    const { type, blob, signed } = tokenSignature(application, data, signature)
    const named = type === 'sk-ecdsa-sha2-nistp256@openssh.com'
    return named && verify('sha256', signed, { key: key.object, dsaEncoding: 'ieee-p1363' }, pair(blob, octets))
  }
}

/** PROTOCOL.u2f, "SSH U2F Signatures": the token signs hashes, its flags and a counter. */
function tokenSignature(application: Buffer, data: Buffer, signature: Buffer) {
  const inner = new SshReader(signature)
  const type = inner.text()
  const blob = inner.string()
  const flagsAndCounter = inner.take(5)
  inner.end()
  const present = (flagsAndCounter.readUInt8() & 0x01) !== 0
  // Nobody touched the token: whatever can reach it could have asked for this.
  if (!present) throw new RangeError('without presence')
  const sha256 = (octets: Buffer) => createHash('sha256').update(octets).digest()
  return { type, blob, signed: Buffer.concat([sha256(application), flagsAndCounter, sha256(data)]) }
}

function ed25519(octets: Buffer): KeyObject {
  if (octets.length !== 32) throw new RangeError('no Ed25519 key')
  return publicKey({ kty: 'OKP', crv: 'Ed25519', x: octets.toString('base64url') })
}

function ecdsa(reader: SshReader) {
  const name = reader.text()
  const curve = Object.hasOwn(curves, name) ? curves[name] : undefined
  const point = reader.string()
  if (!curve || point.length !== 1 + 2 * curve.octets || point[0] !== 4) throw new RangeError('no key of this curve')
  const x = point.subarray(1, 1 + curve.octets).toString('base64url')
  const y = point.subarray(1 + curve.octets).toString('base64url')
  return {
    key: { name, object: publicKey({ kty: 'EC', crv: curve.crv, x, y }) },
    octets: curve.octets,
    hash: curve.hash,
  }
}

/** RFC 5656 §3.1.2: two numbers, here of the same length each, as node:crypto wants them. */
function pair(blob: Buffer, octets: number): Buffer {
  const reader = new SshReader(blob)
  const numbers = [reader.positive(), reader.positive()]
  reader.end()
  return Buffer.concat(
    numbers.map(number => {
      if (number.length > octets) throw new RangeError('too large for the curve')
      return Buffer.concat([Buffer.alloc(octets - number.length), number])
    }),
  )
}

function publicKey(key: Record<string, string>): KeyObject {
  return createPublicKey({ key, format: 'jwk' })
}
