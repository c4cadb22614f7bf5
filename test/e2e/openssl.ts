import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Workspace } from './workspace.ts'

/** What the real openssl says of a certificate that the command line gave out. */
export interface Verified {
  readonly ok: boolean
  readonly output: string
  readonly text: string
}

/** Verifies an object's `pem` with its `chain` up to a root, and that its `key` belongs to it. */
export async function verifyObject(work: Workspace, address: string, rootPem: string): Promise<Verified> {
  const file = (name: string) => join(work.folder, `verify-${name}.pem`)
  const get = async (format: string) => (await work.expect(0, ['get', address, '--format', format])).stdout
  const [pem, chain, key] = [await get('pem'), await get('chain'), await get('key')]
  writeFileSync(file('root'), rootPem)
  writeFileSync(file('leaf'), pem)
  writeFileSync(file('chain'), chain)
  const untrusted = chain === '' ? [] : ['-untrusted', file('chain')]
  const verify = spawnSync('openssl', ['verify', '-CAfile', file('root'), ...untrusted, file('leaf')])
  const keyPublic = execFileSync('openssl', ['pkey', '-pubout'], { input: key }).toString()
  const ownPublic = execFileSync('openssl', ['x509', '-noout', '-pubkey', '-in', file('leaf')]).toString()
  return {
    ok: verify.status === 0 && keyPublic === ownPublic,
    output: `${verify.stdout}${verify.stderr}`,
    text: execFileSync('openssl', ['x509', '-noout', '-text', '-in', file('leaf')]).toString(),
  }
}
