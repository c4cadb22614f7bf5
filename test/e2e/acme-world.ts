import { type PebbleOptions, type RunningPebble, startPebble } from '../servers/pebble.ts'
import { type PowerDnsServer, startPowerDns } from '../servers/powerdns.ts'
import { createWorkspace, manifest, type Workspace } from './workspace.ts'

/** A CA and the DNS that it asks, both real and on loopback. */
export interface AcmeWorld {
  readonly pebble: RunningPebble
  readonly dns: PowerDnsServer
  /** A user's folder whose environment has the DNS credentials. */
  workspace(name: string): Workspace
  account(name?: string, more?: object): string
  dnsProvider(name?: string, more?: object): string
  /** Certificates that the CA issued so far. */
  issued(): number
  accounts(): number
  stop(): Promise<void>
}

export interface AcmeWorldOptions extends Omit<PebbleOptions, 'dnsServer'> {
  readonly zones?: readonly string[]
  /** `host:port` that the CA asks instead of PowerDNS itself. */
  readonly dnsServer?: string
}

export async function startAcmeWorld(options: AcmeWorldOptions = {}): Promise<AcmeWorld> {
  const dns = await startPowerDns({ zones: options.zones ?? ['acme.example'] })
  const pebble = await startPebble({ ...options, dnsServer: options.dnsServer ?? dns.nameserver })
  return {
    pebble,
    dns,
    workspace: name => createWorkspace(name, { PDNS_API_KEY: dns.apiKey }),
    account: (name = 'ca', more = {}) =>
      manifest('AcmeAccount', name, {
        provider: 'custom',
        directoryUrl: pebble.directoryUrl,
        trustedRoots: pebble.trustedRoots.join('\n'),
        email: 'certs@acme.example',
        ...more,
      }),
    dnsProvider: (name = 'pdns', more = {}) =>
      manifest('DnsProvider', name, {
        providerType: 'powerdns',
        credentials: { api_url: dns.apiUrl, api_key: { env: 'PDNS_API_KEY' } },
        managedZones: ['**.acme.example'],
        propagation: { nameservers: [dns.nameserver], timeout: '20s' },
        ...more,
      }),
    issued: () => pebble.output().match(/Issued certificate serial/g)?.length ?? 0,
    accounts: () => Number(/.*There are now (\d+) accounts in memory/s.exec(pebble.output())?.[1] ?? 0),
    async stop() {
      await pebble.stop()
      await dns.stop()
    },
  }
}

/** Applies what is in the folder and shows that a second plan has nothing to do. */
export async function applyAndSettle(work: Workspace, args: readonly string[] = []): Promise<void> {
  await work.expect(0, ['apply', '-f', '.', '--yes', ...args])
  await expectNothingToDo(work, args)
}

export async function expectNothingToDo(work: Workspace, args: readonly string[] = [], folder = '.'): Promise<void> {
  const listening = args.indexOf('--http-01-listen')
  const forPlan = listening < 0 ? args : args.toSpliced(listening, 2)
  const { stdout } = await work.expect(0, ['plan', '-f', folder, '--json', '--detailed-exitcode', ...forPlan])
  const { summary } = JSON.parse(stdout) as { summary: Record<string, number> }
  const { noop, ...rest } = summary
  const open = Object.entries(rest).filter(([, count]) => count > 0)
  if (open.length > 0 || !noop) throw new Error(`the plan is not empty: ${JSON.stringify(summary)}`)
}
