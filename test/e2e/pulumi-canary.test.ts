import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBind } from '../servers/bind.ts'
import { pulumiBuildTimeout } from '../servers/pulumi-install.ts'
import { startAcmeWorld } from './acme-world.ts'
import { verifyPems } from './openssl.ts'
import { acmeAccount, certificate, dnsProvider, ref, role, rootCa, secret, the } from './pulumi-program.ts'
import { type PulumiWorld, startPulumiWorld } from './pulumi-world.ts'

let pulumi: PulumiWorld
beforeAll(async () => {
  pulumi = await startPulumiWorld('pulumi-canary')
}, pulumiBuildTimeout)
afterAll(() => pulumi?.stop())

/** Everything that a secret could be written as. */
const spellings = (value: string) => [
  value,
  Buffer.from(value).toString('hex'),
  Buffer.from(value).toString('base64').replace(/=+$/, ''),
  Buffer.from(value).toString('base64url'),
  JSON.stringify(value).slice(1, -1),
]

const filesBelow = (folder: string) =>
  readdirSync(folder, { recursive: true })
    .map(name => join(folder, String(name)))
    .filter(file => statSync(file).isFile())

function partition(lines: readonly string[], isFirst: (line: string) => boolean): [string[], string[]] {
  return [lines.filter(isFirst), lines.filter(line => !isFirst(line))]
}

test('no secret is in any output, log, state or file of a run, and every chain verifies', async () => {
  const hmacKey = Buffer.from('canary-eab-0123456789abcdef-canary').toString('base64url')
  const [bind, acme] = await Promise.all([
    startBind({ zones: [{ name: 'dyn.example' }] }),
    startAcmeWorld({ eab: { 'kid-1': hmacKey } }),
  ])
  const work = acme.workspace('pulumi-canary')
  try {
    const project = await pulumi.project('canary', work)
    const settings = {
      stored: `canary-stored-${randomBytes(8).toString('hex')}`,
      rotated: `canary-rotated-${randomBytes(8).toString('hex')}`,
      hmac: hmacKey,
      apiKey: acme.dns.apiKey,
      tsig: bind.key.secret,
    }
    const { directoryUrl, trustedRoots } = acme.pebble
    const declare = (value: keyof typeof settings) =>
      project.declare(
        {
          root: rootCa({ exportPrivateKey: true, allowDestroy: true }),
          servers: role(),
          inner: certificate({ exportPrivateKey: true }),
          ca: acmeAccount({
            ...{ provider: 'custom', directoryUrl, trustedRoots: trustedRoots.join('\n'), allowDestroy: true },
            externalAccountBinding: { kid: 'kid-1', hmacKey: the('hmac') },
          }),
          pdns: dnsProvider({
            providerType: 'powerdns',
            credentials: { api_url: acme.dns.apiUrl, api_key: the('apiKey') },
            managedZones: ['**.acme.example'],
            propagation: { nameservers: [acme.dns.nameserver], timeout: '20s' },
          }),
          bind: dnsProvider({
            providerType: 'rfc2136',
            credentials: { tsig_key_name: 'acme-key', tsig_secret: the('tsig') },
            config: { nameserver: '127.0.0.1', port: bind.port, zones: ['dyn.example'] },
            managedZones: ['**.dyn.example'],
          }),
          tokens: secret({ value: the(value) }),
          edge: certificate({
            ...{ role: undefined, ttl: undefined, account: ref('ca'), dnsProvider: ref('pdns') },
            ...{ domains: ['edge.acme.example'], exportPrivateKey: true },
          }),
        },
        {
          config: Object.fromEntries(Object.keys(settings).map(name => [name, { type: 'string', secret: true }])),
          outputs: Object.fromEntries(
            ['inner', 'edge'].map(name => [
              name,
              { leaf: ref(name, 'certificatePem'), chain: ref(name, 'chainPem'), key: ref(name, 'privateKeyPem') },
            ]),
          ),
        },
      )
    declare('stored')
    for (const [name, value] of Object.entries(settings)) {
      await project.demand('config', 'set', '--secret', name, value)
    }

    const eventLog = join(work.folder, 'first-events.json')
    const logged = ['--logtostderr', '--logflow', '-v=9']
    const said: string[] = []
    const hear = async (...args: Parameters<typeof project.do>) => {
      const outcome = await project.do(...args)
      said.push(outcome.text, JSON.stringify(outcome), await project.demand('stack', 'output', '--json'))
      return outcome
    }
    await hear('preview')
    const { code, stdout, stderr } = await project.start('up', [...logged, '--event-log', eventLog]).finished
    expect(code, stdout).toBe(0)
    // At this level the CLI writes down every value that crosses the wire. Those lines show that the search below would
    // find something; all others, and so all that the plugin says, are searched.
    const [wire, log] = partition(stderr.split('\n'), line => /arshaling property for RPC/.test(line))
    for (const value of Object.values(settings).filter(each => each !== settings.rotated)) {
      expect(wire.some(line => line.includes(value))).toBe(true)
    }
    expect(log.length).toBeGreaterThan(200)
    said.push(stdout, ...log)
    said.push(readFileSync(eventLog, 'utf8'))
    declare('rotated')
    await hear('preview', '--json')
    await hear('up')
    await hear('refresh')
    const exported = await project.demand('stack', 'export')
    said.push(exported, await project.demand('stack'), await project.demand('stack', 'history', '--json'))

    const outputs = await project.outputs()
    for (const [name, root] of [
      ['inner', String((await project.recorded('root')).outputs.certificatePem)],
      ['edge', await acme.pebble.issuingRoot()],
    ] as const) {
      const pems = outputs[name] as { leaf: string; chain: string; key: string } // declared above
      const { ok, output } = verifyPems(pulumi.scratch.path, { ...pems, root })
      expect(ok, output).toBe(true)
    }
    // What is wrong is told without it.
    await project.demand('config', 'set', '--secret', 'tsig', 'canary_no_base64!')
    await project.demand('config', 'set', '--secret', 'hmac', 'canary no key')
    const refused = await project.refused('preview')
    said.push(refused.text, JSON.stringify(refused))
    const { stdout: innerKey } = await work.expect(0, ['get', 'Certificate/inner', '--format', 'key'])
    const { stdout: edgeKey } = await work.expect(0, ['get', 'Certificate/edge', '--format', 'key'])
    await project.demand('destroy', '--yes', '--skip-preview').then(text => said.push(text))

    const [, body = ''] = innerKey.split('\n')
    const [, edgeBody = ''] = edgeKey.split('\n')
    const secrets = [...Object.values(settings), 'canary_no_base64!', 'canary no key', body, edgeBody]
    expect(secrets.every(value => value.length > 10)).toBe(true)
    const heard = said.join('\n')
    expect(heard.length).toBeGreaterThan(50_000)
    expect(heard).toContain('[secret]')
    expect(heard).not.toContain('PRIVATE KEY')
    const dump = execFileSync('sqlite3', [join(work.folder, '.trustform/state.db'), '.dump'], { maxBuffer: 1 << 26 })
    // All of Pulumi's own, with the stacks and their history, and all of the program's folder.
    const { backend, home } = pulumi.pulumi
    const stored = [...filesBelow(backend), ...filesBelow(work.folder), ...filesBelow(home)].filter(
      file => !file.includes('/plugins/') && !/\/verify-[a-z]+\.pem$/.test(file),
    )
    expect(stored.some(file => file.endsWith('/dev.json'))).toBe(true)
    expect(stored.some(file => file.endsWith('state.db'))).toBe(true)
    for (const value of secrets) {
      for (const spelling of spellings(value)) {
        const shown = `${spelling.slice(0, 10)}…`
        expect(heard.includes(spelling), `an output shows ${shown}`).toBe(false)
        expect(dump.includes(spelling), `the state shows ${shown}`).toBe(false)
        for (const file of stored) {
          expect(readFileSync(file).includes(spelling), `${file} holds ${shown}`).toBe(false)
        }
      }
    }
  } finally {
    work.remove()
    await Promise.all([acme.stop(), bind.stop()])
  }
})
