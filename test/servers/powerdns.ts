import { randomBytes } from 'node:crypto'
import { chownSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type DnsServer, freeDnsPort, onFreshPorts, query, readTxt } from './dns-client.ts'
import { ensureDnsServers } from './install.ts'
import { freePort, startServer } from './process.ts'
import { createScratch, nobody } from './scratch.ts'

export interface PowerDnsOptions {
  readonly zones?: readonly string[]
}

export interface PowerDnsServer extends DnsServer {
  readonly apiUrl: string
  readonly apiKey: string
  /** A zone with SOA, NS `ns1.<zone>` and its address 127.0.0.1. */
  createZone(name: string, kind?: 'Native' | 'Master' | 'Slave'): Promise<void>
  /** Replaces an RRset; contents in presentation form (`"text"` with quotes for TXT, names with a final dot). */
  setRecords(zone: string, name: string, type: string, contents: readonly string[], ttl?: number): Promise<void>
  /** Any request below `/api/v1/servers/localhost`; fails unless it succeeds. */
  api(method: string, path: string, body?: unknown): Promise<unknown>
  /** Takes only that API key from now on; `apiKey` stays the first one. */
  changeApiKey(key: string): Promise<void>
}

/** Starts PowerDNS on 127.0.0.1 with an SQLite file and the HTTP API, as `nobody`; its data goes with it. */
export const startPowerDns = (options: PowerDnsOptions = {}): Promise<PowerDnsServer> =>
  onFreshPorts(() => start(options))

async function start({ zones = [] }: PowerDnsOptions): Promise<PowerDnsServer> {
  const { pdnsServer, pdnsSchema } = await ensureDnsServers()
  const [port, apiPort] = [await freeDnsPort(), await freePort()]
  const apiKey = randomBytes(16).toString('hex')
  const scratch = createScratch('powerdns')
  createDatabase(join(scratch.path, 'pdns.db'), readFileSync(pdnsSchema, 'utf8'))
  scratch.write('pdns.conf', configuration(scratch.path, port, apiPort, apiKey))
  let currentKey = apiKey
  const apiUrl = `http://127.0.0.1:${apiPort}`

  async function api(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${apiUrl}/api/v1/servers/localhost${path}`, {
      method,
      headers: { 'x-api-key': currentKey },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`PowerDNS answered ${response.status} to ${method} ${path}: ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }

  async function createZone(name: string, kind = 'Native'): Promise<void> {
    const own = kind === 'Slave' ? { masters: ['127.0.0.1'] } : { nameservers: [`ns1.${name}.`] }
    await api('POST', '/zones', { name: `${name}.`, kind, ...own })
    if (kind !== 'Slave') await setRecords(name, `ns1.${name}`, 'A', ['127.0.0.1'])
  }

  async function setRecords(zone: string, name: string, type: string, contents: readonly string[], ttl = 60) {
    const records = contents.map(content => ({ content, disabled: false }))
    const rrset = { name: `${name}.`, type, ttl, changetype: 'REPLACE', records }
    await api('PATCH', `/zones/${zone}.`, { rrsets: [rrset] })
  }

  const launch = () =>
    startServer({
      name: 'PowerDNS',
      command: pdnsServer,
      args: [`--config-dir=${scratch.path}`],
      uid: nobody,
      ready: async () => {
        await api('GET', '')
        return (await query(port, 'ready.invalid', 'SOA')).response
      },
    })
  let server = await launch().catch(error => {
    scratch.remove()
    throw error
  })
  for (const zone of zones) await createZone(zone)
  return {
    get pid() {
      return server.pid
    },
    output: () => server.output(),
    port,
    nameserver: `127.0.0.1:${port}`,
    apiUrl,
    apiKey,
    api,
    createZone,
    setRecords,
    txt: name => readTxt(port, name),
    async changeApiKey(key) {
      currentKey = key
      scratch.write('pdns.conf', configuration(scratch.path, port, apiPort, key))
      await server.stop()
      server = await launch()
    },
    async stop() {
      await server.stop()
      scratch.remove()
    },
  }
}

function createDatabase(file: string, schema: string): void {
  const database = new DatabaseSync(file)
  database.exec(schema)
  database.close()
  if (process.getuid?.() === 0) chownSync(file, nobody, nobody)
}

/** Every cache is off, so that a test sees what it wrote. */
function configuration(folder: string, port: number, apiPort: number, apiKey: string): string {
  return `launch=gsqlite3
primary=yes
gsqlite3-database=${join(folder, 'pdns.db')}
gsqlite3-dnssec=yes
local-address=127.0.0.1
local-port=${port}
socket-dir=${folder}
daemon=no
guardian=no
disable-syslog=yes
write-pid=no
webserver=yes
webserver-address=127.0.0.1
webserver-port=${apiPort}
webserver-allow-from=127.0.0.1
api=yes
api-key=${apiKey}
default-soa-content=ns1.@ hostmaster.@ 0 10800 3600 604800 5
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
security-poll-suffix=
`
}
