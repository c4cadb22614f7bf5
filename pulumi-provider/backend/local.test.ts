import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Address, createEngine, type DesiredResource, declareResource } from '../../engine/index.ts'
import type { Backend } from './backend.ts'
import { createLocalBackends } from './local.ts'

const env = { TRUSTFORM_MASTER_KEY: Buffer.alloc(32, 7).toString('base64') }
const log = { debug: () => {}, info: () => {}, warn: () => {} }
const quiet = { waiting: () => {}, leftOpen: () => {} }

function newState(): { readonly path: string; readonly settings: Parameters<typeof createLocalBackends>[0] } {
  const folder = mkdtempSync(join(tmpdir(), 'trustform-backend-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'state.db')
  return { path, settings: { state: `sqlite:${path}`, tenant: 'default', adopt: false } }
}

async function root(name: string): Promise<{ readonly address: Address; readonly resource: DesiredResource }> {
  const spec = { type: 'root', commonName: name, keyType: 'ec' }
  const { resource } = await declareResource({ kind: 'CertificateAuthority', name, spec })
  if (!resource) throw new Error(`${name} is declared wrongly`)
  return { address: resource.address, resource }
}

const apply = async (backend: Backend, name: string) => backend.apply(await root(name), quiet)

test('what came to a lock that somebody broke is done with another one', async () => {
  const { settings } = newState()
  const backends = createLocalBackends(settings, { env, log })
  const other = await createEngine({ state: settings.state, env })
  try {
    const backend = await backends.ownedBy('pulumi:shop/dev')
    await apply(backend, 'first')
    // It is kept for what follows at once.
    expect(await other.unlock()).toMatchObject({ holder: { operation: 'pulumi' } })
    await apply(backend, 'second')
    expect((await other.list()).map(({ address }) => address)).toEqual([
      'CertificateAuthority/first',
      'CertificateAuthority/second',
    ])
  } finally {
    await other.close()
    await backends.close()
  }
})

test('a state that could not be opened is opened by the next call', async () => {
  const { path, settings } = newState()
  writeFileSync(path, 'no database, and long enough to be seen as none'.repeat(20))
  const backends = createLocalBackends(settings, { env, log })
  const [one, two] = await Promise.allSettled([backends.ownedBy('pulumi:a/dev'), backends.ownedBy('pulumi:b/dev')])
  expect([one?.status, two?.status]).toEqual(['rejected', 'rejected'])
  rmSync(path)
  await apply(await backends.ownedBy('pulumi:a/dev'), 'root')
  expect(existsSync(`${path}-wal`)).toBe(true)
  await backends.close()
  expect(existsSync(`${path}-wal`), 'it is closed').toBe(false)
})

test('an engine that could not be made for one owner leaves the state open for the others', async () => {
  const { path, settings } = newState()
  let isFull = false
  const ports = {
    env,
    get log() {
      if (isFull) throw new Error('no more files')
      return log
    },
  }
  const backends = createLocalBackends(settings, ports)
  const first = await backends.ownedBy('pulumi:a/dev')
  await apply(first, 'first')
  isFull = true
  await expect(backends.ownedBy('pulumi:b/dev')).rejects.toThrow('no more files')
  isFull = false
  await apply(first, 'second')
  await apply(await backends.ownedBy('pulumi:b/dev'), 'third')
  await backends.close()
  expect(existsSync(`${path}-wal`), 'it is closed').toBe(false)
})
