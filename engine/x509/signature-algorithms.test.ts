import { expect, test } from 'vitest'
import { keyFor } from './fixtures/authority.ts'
import type { KeySpec } from './keys.ts'
import { oids } from './oids.ts'
import { acceptedSignature, signatureAlgorithmFor, signPooled } from './signature-algorithms.ts'

const cases: [what: string, spec: KeySpec, hash: string | null, der: string][] = [
  ['RSA with SHA-256 and NULL', { type: 'rsa', size: 2048 }, 'sha256', '300d06092a864886f70d01010b0500'],
  ['RSA 4096 alike', { type: 'rsa', size: 4096 }, 'sha256', '300d06092a864886f70d01010b0500'],
  ['P-256 with SHA-256 and no parameters', { type: 'ec', size: 256 }, 'sha256', '300a06082a8648ce3d040302'],
  ['P-384 with SHA-384 and no parameters', { type: 'ec', size: 384 }, 'sha384', '300a06082a8648ce3d040303'],
  ['Ed25519 without a hash or parameters', { type: 'ed25519' }, null, '300506032b6570'],
]
test.each(cases)('signs %s', (_what, spec, hash, der) => {
  const algorithm = signatureAlgorithmFor(spec)
  expect([algorithm.hash, Buffer.from(algorithm.der).toString('hex')]).toEqual([hash, der])
})

const accepted: [what: string, dotted: string, spec: KeySpec, want: boolean][] = [
  ['RSA with SHA-512', oids.sha512WithRsa, { type: 'rsa', size: 2048 }, true],
  ['P-256 with SHA-384', oids.ecdsaWithSha384, { type: 'ec', size: 256 }, true],
  ['RSA with SHA-1', '1.2.840.113549.1.1.5', { type: 'rsa', size: 2048 }, false],
  ['ECDSA with SHA-1', '1.2.840.10045.4.1', { type: 'ec', size: 256 }, false],
  ['an RSA algorithm for an EC key', oids.sha256WithRsa, { type: 'ec', size: 256 }, false],
  ['an EC algorithm for an Ed25519 key', oids.ecdsaWithSha256, { type: 'ed25519' }, false],
]
test.each(accepted)('from others, %s', (_what, dotted, spec, want) => {
  expect(acceptedSignature(dotted, spec) !== undefined).toBe(want)
})

test('a failure on the thread pool rejects', async () => {
  const key = await keyFor('signature', { type: 'ed25519' })
  await expect(signPooled(signatureAlgorithmFor({ type: 'rsa', size: 2048 }), Buffer.alloc(1), key)).rejects.toThrow()
})
