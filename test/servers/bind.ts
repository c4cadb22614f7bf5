import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { type DnsServer, freeDnsPort, onFreshPorts, query, readTxt, serves } from './dns-client.ts'
import { ensureDnsServers } from './install.ts'
import { startServer } from './process.ts'
import { createScratch, nobody } from './scratch.ts'

export interface BindZone {
  readonly name: string
  /** Zone file lines beside SOA, NS `ns1.<zone>` and its address, e.g. `_acme-challenge.www CNAME x.example.net.`. */
  readonly records?: readonly string[]
  /** `host:port` of the primary: then this server is a secondary that looks for changes every few seconds. */
  readonly primary?: string
  /** Lines of `update-policy`; default: every key may change every TXT record. */
  readonly updatePolicy?: readonly string[]
}

export interface BindOptions {
  readonly zones: readonly BindZone[]
}

export interface BindKey {
  readonly name: string
  readonly algorithm: 'hmac-sha224' | 'hmac-sha256' | 'hmac-sha384' | 'hmac-sha512'
  /** Base64. */
  readonly secret: string
}

export interface BindServer extends DnsServer {
  /** `acme-key`, hmac-sha256. */
  readonly key: BindKey
  /** One key per algorithm, `acme-key` among them. */
  readonly keys: readonly BindKey[]
  /** Runs update commands (`update add NAME TTL TYPE DATA`) through BIND's own client. */
  nsupdate(zone: string, commands: readonly string[]): Promise<void>
}

/** Starts BIND on 127.0.0.1 with dynamic zones and keys made in place, as `nobody`; its data goes with it. */
export const startBind = (options: BindOptions): Promise<BindServer> => onFreshPorts(() => start(options))

async function start({ zones }: BindOptions): Promise<BindServer> {
  const { named, nsupdate } = await ensureDnsServers()
  const port = await freeDnsPort()
  const scratch = createScratch('bind')
  const keys = (['256', '224', '384', '512'] as const).map(
    (size): BindKey => ({
      name: size === '256' ? 'acme-key' : `acme-key-${size}`,
      algorithm: `hmac-sha${size}`,
      secret: randomBytes(Number(size) / 8).toString('base64'),
    }),
  )
  for (const zone of zones) if (!zone.primary) scratch.write(`${zone.name}.zone`, zoneFile(zone))
  const configuration = scratch.write(
    'named.conf',
    [...keys.map(keyStatement), options(scratch.path, port), ...zones.map(zone => zoneStatement(zone, keys))].join(
      '\n',
    ),
  )
  const server = await startServer({
    name: 'BIND',
    command: named,
    args: ['-g', '-n', '1', '-c', configuration],
    uid: nobody,
    ready: async () => {
      if (zones.length === 0) return (await query(port, 'ready.invalid', 'SOA')).response
      return (await Promise.all(zones.map(zone => serves(port, zone.name)))).every(Boolean)
    },
  }).catch(error => {
    scratch.remove()
    throw error
  })
  const [key] = keys
  if (key === undefined) throw new Error('no key was made')
  const keyFile = scratch.write('nsupdate.key', keyStatement(key))
  return {
    ...server,
    port,
    nameserver: `127.0.0.1:${port}`,
    key,
    keys,
    txt: name => readTxt(port, name),
    nsupdate: (zone, commands) =>
      runScript(nsupdate, ['-k', keyFile], [`server 127.0.0.1 ${port}`, `zone ${zone}.`, ...commands, 'send', '']),
    async stop() {
      await server.stop()
      scratch.remove()
    },
  }
}

const keyStatement = ({ name, algorithm, secret }: BindKey): string =>
  `key "${name}" { algorithm ${algorithm}; secret "${secret}"; };`

const options = (folder: string, port: number): string => `
options {
  directory "${folder}";
  pid-file none;
  session-keyfile "${folder}/session.key";
  managed-keys-directory "${folder}";
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
  recursion no;
  dnssec-validation no;
  notify no;
  allow-transfer { 127.0.0.1; };
};
controls { };`

function zoneStatement({ name, primary, updatePolicy }: BindZone, keys: readonly BindKey[]): string {
  if (primary !== undefined) {
    const [host, port] = primary.split(':')
    const refresh = 'min-refresh-time 2; max-refresh-time 3; min-retry-time 1; max-retry-time 2;'
    return `zone "${name}" { type secondary; file "${name}.copy"; primaries { ${host} port ${port}; }; ${refresh} };`
  }
  const policy = updatePolicy ?? keys.map(key => `grant ${key.name} zonesub TXT;`)
  return `zone "${name}" { type primary; file "${name}.zone"; update-policy { ${policy.join(' ')} }; };`
}

const zoneFile = ({ name, records = [] }: BindZone): string => `$TTL 60
$ORIGIN ${name}.
@ SOA ns1 hostmaster 1 10800 3600 604800 5
@ NS ns1
ns1 A 127.0.0.1
${records.join('\n')}
`

function runScript(command: string, args: readonly string[], lines: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, (error, _output, words) => {
      if (error) reject(new Error(`${command} failed: ${words.trim()}`))
      else resolve()
    })
    child.stdin?.end(lines.join('\n'))
  })
}
