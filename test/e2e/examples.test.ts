import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../servers/process.ts'
import { type AcmeWorld, startAcmeWorld } from './acme-world.ts'
import type { Workspace } from './workspace.ts'

// The examples as they are, with an overlay that says where the test's own servers are.

const example = (name: string) => join(resolve(import.meta.dirname, '../../examples'), name)

let world: AcmeWorld
let work: Workspace
let port: number
beforeAll(async () => {
  port = await freePort()
  world = await startAcmeWorld({ httpPort: port })
  for (const name of ['www', 'shop']) {
    await world.dns.setRecords('acme.example', `${name}.acme.example`, 'A', ['127.0.0.1'])
  }
  work = world.workspace('examples')
})
afterAll(async () => {
  work?.remove()
  await world?.stop()
})

async function applies(name: string, overlay: string, more: readonly string[] = []): Promise<void> {
  const file = work.write(`${name}/overlay.yaml`, overlay)
  const env = { PDNS_API_URL: world.dns.apiUrl, TRUSTFORM_STATE: `sqlite:${name}.db` }
  const manifests = ['-f', example(name), '-f', file]
  await work.expect(0, ['apply', ...manifests, '--yes', ...more], { env })
  const { stdout } = await work.expect(0, ['plan', ...manifests, '--detailed-exitcode'], { env })
  expect(stdout).toMatch(/^Plan: nothing to do; \d unchanged\.\n$/)
}

test('acme-dns01 applies and settles', async () => {
  const account = world.account('letsencrypt', { environment: null })
  const provider = world.dnsProvider('powerdns', { credentials: undefined })
  await applies('acme-dns01', account + provider)
})

test('acme-http01 applies and settles', async () => {
  await applies('acme-http01', world.account('internal-acme'), ['--http-01-listen', `127.0.0.1:${port}`])
})

test.each([[['base']], [['base', 'prod']]])('overlays %j applies', async layers => {
  const env = { TRUSTFORM_STATE: `sqlite:${layers.join('-')}.db` }
  const manifests = layers.flatMap(layer => ['-f', example(`overlays/${layer}`)])
  await work.expect(0, ['apply', ...manifests, '--yes'], { env })
  await work.expect(0, ['plan', ...manifests, '--detailed-exitcode'], { env })
})
