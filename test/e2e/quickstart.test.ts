import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Installed, install } from './installed.ts'

let installed: Installed
beforeAll(async () => {
  installed = await install()
})
afterAll(() => installed.remove())

const out = (name: string) => join(installed.folder, 'examples/quickstart/out', name)
const quickstart = () => installed.run(process.execPath, ['scripts/quickstart.ts'])

test('npm run quickstart shows the plan, applies it, lists, verifies, and has nothing left to do; also twice', () => {
  for (const run of [quickstart(), quickstart()]) {
    expect([run.status, run.stderr]).toEqual([0, ''])
    const parts = [
      'Create (8)',
      'Plan: 8 to create.',
      '✓ Certificate/web created',
      'Apply: 8 done.',
      'ADDRESS',
      'in 30 days',
      '0600  examples/quickstart/out/web.key',
      'signed by CN=Acme Root CA',
      'web.fullchain.pem: OK',
      'Plan: nothing to do; 8 unchanged.',
    ]
    const places = parts.map(part => run.stdout.indexOf(part))
    expect(places).not.toContain(-1)
    expect(places).toEqual(places.toSorted((a, b) => a - b))
  }
})

test('it leaves a chain that leads to its root and a key that fits', () => {
  const [leaf, issuer] = (
    readFileSync(out('web.fullchain.pem'), 'utf8').match(/-----BEGIN[\s\S]+?-----END.+/g) ?? []
  ).map(pem => new X509Certificate(pem))
  const root = new X509Certificate(readFileSync(out('root.pem')))
  expect(leaf?.checkIssued(issuer as X509Certificate)).toBe(true)
  expect(issuer?.verify(root.publicKey)).toBe(true)
  expect(statSync(out('web.key')).mode & 0o777).toBe(0o600)
})

test('it writes nothing outside its folder', () => {
  expect(existsSync(join(installed.folder, 'home'))).toBe(false)
  expect(existsSync(join(installed.folder, '.trustform'))).toBe(false)
})
