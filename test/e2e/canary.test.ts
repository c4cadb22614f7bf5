import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startBind } from '../servers/bind.ts'
import { startAcmeWorld } from './acme-world.ts'
import { manifest } from './workspace.ts'

const canaries = {
  environment: 'canary-env-7f3a9c51d2',
  file: 'canary-file-9b1e44c0aa',
  stored: 'canary-stored-55d0e8f1b7',
  literal: 'canary-literal-c3a8e2770f',
}

/** Everything that the secrets could be written as. */
const spellings = (secret: string) => [
  secret,
  Buffer.from(secret).toString('hex'),
  Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  Buffer.from(secret).toString('base64url'),
]

test('no credential appears in any output, log, plan, error or in the state', async () => {
  const bind = await startBind({ zones: [{ name: 'dyn.example' }] })
  const hmacKey = Buffer.from('canary-eab-0123456789abcdef-canary').toString('base64url')
  const world = await startAcmeWorld({ eab: { 'kid-1': hmacKey } })
  const work = world.workspace('canary')
  const env = {
    CANARY: canaries.environment,
    EAB_KEY: hmacKey,
    TSIG_KEY: bind.key.secret,
    TRUSTFORM_MASTER_KEY: Buffer.from('canary-master-key-is-32-octets!!').toString('base64'),
  }
  const secrets = [...Object.values(canaries), hmacKey, bind.key.secret, world.dns.apiKey, env.TRUSTFORM_MASTER_KEY]
  try {
    work.write('token', `${canaries.file}\n`)
    work.write(
      'a.yaml',
      world.account('ca', { externalAccountBinding: { kid: 'kid-1', hmacKey: { env: 'EAB_KEY' } } }) +
        world.dnsProvider() +
        manifest('DnsProvider', 'bind', {
          providerType: 'rfc2136',
          credentials: { tsig_key_name: 'acme-key', tsig_secret: { env: 'TSIG_KEY' } },
          config: { nameserver: '127.0.0.1', port: bind.port, zones: ['dyn.example'] },
          managedZones: ['**.dyn.example'],
        }) +
        manifest('Secret', 'tokens', {
          path: 'infra/tokens',
          data: { a: { env: 'CANARY' }, b: { file: 'token' }, c: canaries.literal },
        }) +
        manifest('Secret', 'stored', { path: 'infra/stored', data: { value: { secret: 'infra/tokens#a' } } }) +
        manifest('Certificate', 'edge', { account: 'ca', domains: ['edge.acme.example'] }),
    )
    const commands: [code: number, args: string[]][] = [
      [0, ['validate', '-f', 'a.yaml']],
      [0, ['render', '-f', 'a.yaml']],
      [0, ['plan', '-f', 'a.yaml', '--json', '--out', 'plan.json', '--log-level', 'debug']],
      [0, ['plan', '-f', 'a.yaml', '--format', 'markdown']],
      [0, ['apply', '-f', 'a.yaml', '--yes', '--log-level', 'debug']],
      [0, ['list', '--json']],
      ...['AcmeAccount/ca', 'DnsProvider/pdns', 'DnsProvider/bind', 'Secret/tokens', 'Certificate/edge'].map(
        (address): [number, string[]] => [0, ['get', address, '--format', 'json']],
      ),
      [0, ['get', 'Secret/tokens', '--format', 'yaml']],
      [0, ['graph', '-f', 'a.yaml']],
      [0, ['state', 'history', '--json']],
      [0, ['state', 'show', 'DnsProvider/bind']],
      [0, ['state', 'export', '--out', 'export.json']],
      [0, ['state', 'rotate-key']],
      [0, ['state', 'verify']],
      [0, ['audit', '--json']],
      [0, ['audit', 'verify']],
    ]
    const outputs: string[] = []
    for (const [code, args] of commands) {
      const { stdout, stderr } = await work.expect(code, args, { env })
      outputs.push(stdout, stderr)
    }
    const changed = { ...env, CANARY: `${canaries.environment}-rotated`, EAB_KEY: 'not!base64url', TSIG_KEY: 'AAAA' }
    for (const args of [
      ['plan', '-f', 'a.yaml'],
      ['apply', '-f', 'a.yaml', '--yes', '--log-level', 'debug'],
    ]) {
      const { stdout, stderr } = await work.run(args, { env: changed })
      expect(stdout + stderr).toContain('(secret)')
      outputs.push(stdout, stderr)
    }

    const shown = outputs.join('\n')
    for (const action of ['dns_record_create', 'acme_challenge_complete', 'certificate_issue', 'dns_record_delete']) {
      expect(shown).toContain(`"action": "${action}"`)
    }
    expect(shown.length).toBeGreaterThan(2000)
    const stored = filesBelow(work.folder).filter(file => !/\/(a\.yaml|token)$/.test(file))
    expect(stored.some(file => file.endsWith('state.db'))).toBe(true)
    const dump = execFileSync('sqlite3', [join(work.folder, '.trustform/state.db'), '.dump'], { maxBuffer: 1 << 26 })
    for (const secret of secrets) {
      for (const spelling of spellings(secret)) {
        expect(shown.includes(spelling), `an output shows ${spelling.slice(0, 10)}…`).toBe(false)
        expect(dump.includes(spelling), 'the dump of the state shows it').toBe(false)
        for (const file of stored) {
          expect(readFileSync(file).includes(spelling), `${file} holds ${spelling.slice(0, 10)}…`).toBe(false)
        }
      }
    }
    // A key that is asked for is shown, so the search above would have found one.
    expect((await work.expect(0, ['get', 'Certificate/edge', '--format', 'key'], { env })).stdout).toContain(
      'PRIVATE KEY',
    )
    expect(shown).not.toContain('PRIVATE KEY')
  } finally {
    work.remove()
    await world.stop()
    await bind.stop()
  }
})

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map(name => join(folder, String(name)))
    .filter(file => statSync(file).isFile())
}
