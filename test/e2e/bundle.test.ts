import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dnsProviderCatalogue, kinds } from '../../schemas/generated/catalogue.ts'
import { type Installed, install } from './installed.ts'

let installed: Installed
beforeAll(async () => {
  installed = await install()
  writeFileSync(join(installed.folder, 'all.yaml'), everyKind)
})
afterAll(() => installed.remove())

// Port 9 (discard) answers nobody.
const everyKind = `apiVersion: trustform/v1
kind: AcmeAccount
metadata: {name: ca}
spec: {provider: custom, directoryUrl: 'https://127.0.0.1:9/dir', email: ops@acme.example}
---
apiVersion: trustform/v1
kind: DnsProvider
metadata: {name: pdns}
spec:
  providerType: powerdns
  credentials: {api_url: 'http://127.0.0.1:9', api_key: {env: KEY}}
  managedZones: ['**.acme.example']
---
apiVersion: trustform/v1
kind: DnsProvider
metadata: {name: bind}
spec:
  providerType: rfc2136
  credentials: {tsig_key_name: key, tsig_secret: {env: KEY}}
  config: {nameserver: 127.0.0.1, port: 9, zones: [other.example]}
  managedZones: ['**.other.example']
---
apiVersion: trustform/v1
kind: Secret
metadata: {name: token}
spec: {path: infra/token, data: {value: {env: KEY}}}
---
apiVersion: trustform/v1
kind: Certificate
metadata: {name: edge}
spec: {account: ca, domains: [edge.acme.example], challengeType: dns-01}
`

const env = {
  TRUSTFORM_MASTER_KEY: Buffer.alloc(32, 3).toString('base64'),
  TRUSTFORM_STATE: 'sqlite:bundle.db',
  KEY: Buffer.from('not a key that anybody has').toString('base64'),
}
const trustform = (...args: string[]) => installed.run(process.execPath, [installed.program, ...args], env)

test('the manifests here and in the quickstart have every kind and DNS provider', () => {
  const quickstart = ['authorities', 'roles', 'certificates', 'trust'].map(name =>
    readFileSync(join(installed.folder, `examples/quickstart/${name}.yaml`), 'utf8'),
  )
  const text = [everyKind, ...quickstart].join('\n')
  expect(kinds.filter(kind => !text.includes(`kind: ${kind}\n`))).toEqual([])
  expect(Object.keys(dnsProviderCatalogue).filter(type => !text.includes(`providerType: ${type}\n`))).toEqual([])
})

test.each(['-f', '--format=json -f'])('validate has the rules of every kind (%s)', options => {
  const { status, stderr } = trustform('validate', ...options.split(' '), 'all.yaml', '-f', 'examples/quickstart')
  expect([status, stderr]).toEqual([0, ''])
})

test('plan and apply reach the code of every kind and provider', () => {
  const offline = trustform('plan', '-f', 'all.yaml', '-f', 'examples/quickstart', '--offline', '--json')
  expect(JSON.parse(offline.stdout).summary.create).toBe(13)
  // Nobody answers there; that is what the drivers' own code says.
  const online = JSON.parse(trustform('plan', '-f', 'all.yaml', '--json').stdout)
  const codes = Object.fromEntries(
    online.preflight.map((each: { address: string; code: string }) => [each.address, each.code]),
  )
  expect(codes).toMatchObject({
    'AcmeAccount/ca': 'acme_unreachable',
    'DnsProvider/pdns': 'dns_provider_failed',
    'DnsProvider/bind': 'dns_provider_failed',
  })
  // Its own code has to get as far as the socket: a bundle that cannot even connect answers the same codes.
  const http = online.preflight.filter((each: { address: string }) => !each.address.endsWith('/bind'))
  expect(http.map((each: { message: string }) => each.message)).toEqual(
    http.map(() => expect.stringContaining('ECONNREFUSED')),
  )
  const secret = trustform('apply', '-f', 'all.yaml', '--target', 'Secret/token', '--yes')
  expect([secret.status, secret.stdout]).toEqual([0, 'Apply: 1 done.\n'])
})

test('an older Node is told in one line what to do', () => {
  const old = "Object.defineProperty(process,'versions',{value:{node:'20.20.2'}});require(process.argv[1])"
  const { status, stdout, stderr } = installed.run(process.execPath, ['-e', old, installed.program])
  expect([status, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(/^trustform needs Node 24 or newer, this is Node 20\.20\.2: .*npm exec trustform.*\n$/)
  expect(readFileSync(installed.program, 'utf8')).not.toMatch(/=>|`[^\n]*\$\{|\b(const|let|async|import|class)\b/)
})

test('a reader that leaves early is no error', () => {
  const { status, stderr } = installed.run('sh', [
    '-c',
    `'${process.execPath}' '${installed.program}' schema | head -c 1`,
  ])
  expect([status, stderr]).toEqual([0, ''])
})

test('compiled code goes to the user, not to a folder that others can write to', () => {
  trustform('validate', '-f', 'all.yaml')
  expect(existsSync(join(installed.folder, 'home/.cache/trustform'))).toBe(true)
})

test('without dist it says how to build', () => {
  rmSync(join(installed.folder, 'dist'), { recursive: true })
  const { status, stdout, stderr } = trustform('list')
  expect([status, stdout]).toEqual([1, ''])
  expect(stderr).toBe('trustform is not built here: run `npm ci`, or `npm run build` after a change\n')
})
