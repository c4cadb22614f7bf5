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
  const get = async (format: string) => (await work.expect(0, ['get', address, '--format', format])).stdout
  return verifyPems(work.folder, {
    leaf: await get('pem'),
    chain: await get('chain'),
    root: rootPem,
    key: await get('key'),
  })
}

export interface Pems {
  readonly leaf: string
  readonly chain: string
  readonly root: string
  readonly key: string
}

/** Verifies a certificate up to a root, and that a key belongs to it. */
export function verifyPems(folder: string, { leaf, chain, root, key }: Pems): Verified {
  const file = (name: string) => join(folder, `verify-${name}.pem`)
  writeFileSync(file('root'), root)
  writeFileSync(file('leaf'), leaf)
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
