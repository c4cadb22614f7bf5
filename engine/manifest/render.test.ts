import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SourceFiles } from './files.ts'
import { loadConfiguration } from './load.ts'
import { renderConfiguration } from './render.ts'

async function load(contents: Readonly<Record<string, string>>) {
  const files: SourceFiles = {
    list: async path => ({ files: [path], failures: [], links: [] }),
    read: async path => Buffer.from(contents[path] ?? ''),
  }
  const { configuration, diagnostics } = await loadConfiguration(
    Object.keys(contents).filter(name => name.endsWith('.yaml')),
    files,
  )
  if (configuration === undefined) throw new Error(JSON.stringify(diagnostics))
  return configuration
}

const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'

describe('render', () => {
  test('prints the merged configuration with the origin of each value', async () => {
    const base = `apiVersion: trustform/v1
kind: DnsProvider
metadata: {name: pdns}
spec:
  providerType: powerdns
  managedZones: [acme.example, "*.acme.example"]
  credentials:
    api_url: http://127.0.0.1:8081
    api_key: hunter2
---
apiVersion: trustform/v1
kind: TrustAnchor
metadata: {name: t}
spec: {file: root.pem}
`
    const prod = `apiVersion: trustform/v1
kind: DnsProvider
metadata: {name: pdns, labels: {year: "2026"}}
spec:
  credentials: {api_url: {env: URL}}
lifecycle: {protect: true}
`
    expect(renderConfiguration(await load({ 'base.yaml': base, 'prod.yaml': prod, 'root.pem': pem }))).toBe(`---
apiVersion: trustform/v1 # prod.yaml:1
kind: DnsProvider # prod.yaml:2
metadata:
  name: pdns # prod.yaml:3
  labels:
    year: "2026" # prod.yaml:3
spec:
  providerType: powerdns # base.yaml:5
  managedZones:
    - acme.example # base.yaml:6
    - "*.acme.example" # base.yaml:6
  credentials:
    api_url:
      env: URL # prod.yaml:5
    api_key: (secret) # base.yaml:9
    server_id: localhost # default
  config: {} # default
  verify: true # default
  propagation:
    timeout: 300s # default
    ttl: 60s # default
    nameservers: [] # default
lifecycle:
  protect: true # prod.yaml:6
  onDelete: retain # default
---
apiVersion: trustform/v1 # base.yaml:11
kind: TrustAnchor # base.yaml:12
metadata:
  name: t # base.yaml:13
  labels: {} # default
spec:
  certificatePem: | # base.yaml:14
    -----BEGIN CERTIFICATE-----
    MIIB
    -----END CERTIFICATE-----
lifecycle:
  protect: false # default
  onDelete: retain # default
`)
  })

  test('prints what loads again as the same, whatever a text holds', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 40 }),
      fc.string({ unit: fc.constantFrom(...' \n:#-?"\'|>&*!%@`,[]{}~a1.'), maxLength: 12 }),
      fc.constantFrom(
        'null',
        'true',
        '~',
        '',
        '1',
        '0x1',
        '1e3',
        '-',
        '---',
        '...',
        '- a',
        'a: b',
        'a #b',
        'é',
        '\u2028',
        '\ufeff',
        '\ud83d\ude00',
        '<<',
        ' a',
        'a ',
      ),
    )
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), text, { maxKeys: 5 }), async labels => {
        const document = {
          apiVersion: 'trustform/v1',
          kind: 'Role',
          metadata: { name: 'x', labels },
          spec: { ca: { external: 'ca_1' } },
        }
        const loaded = await load({ 'a.yaml': JSON.stringify(document) })
        const again = await load({ 'b.yaml': renderConfiguration(loaded) })
        expect(again.digest).toBe(loaded.digest)
      }),
      { numRuns: 300 },
    )
  })
})
