import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ensurePebble } from './install.ts'
import { freePort, type RunningServer, startServer } from './process.ts'

const run = promisify(execFile)

export interface PebbleOptions {
  /** Percent of good nonces refused; default 5. */
  readonly nonceReject?: number
  /** Percent of valid authorizations reused; default 50. */
  readonly authzReuse?: number
  /** MAC keys (base64url) by key id; their presence makes an external account binding required. */
  readonly eab?: Readonly<Record<string, string>>
  /** `host:port` of the DNS server that it validates against. */
  readonly dnsServer?: string
  /** Where it looks for http-01 answers. */
  readonly httpPort?: number
  readonly tlsPort?: number
  /** Validity in seconds by profile name; default one profile of 90 days. */
  readonly profiles?: Readonly<Record<string, number>>
  /** Where its certificates say that their OCSP responder is; it runs none itself. */
  readonly ocsp?: string
  /** How many further roots certify the same intermediates. */
  readonly alternateRoots?: number
  /** Seconds of its Retry-After headers; default 0, which sends none. */
  readonly retryAfter?: number
  readonly blockedDomains?: readonly string[]
  /** Names by which it knows itself in CAA records. */
  readonly caaIdentities?: readonly string[]
}

export interface RunningPebble extends RunningServer {
  readonly directoryUrl: string
  readonly managementUrl: string
  /** PEM of the CA of its own TLS certificate. */
  readonly trustedRoots: readonly string[]
  /** PEM of the root under which it issues; `alternate` counts from 1. */
  issuingRoot(alternate?: number): Promise<string>
  /** An answer of the management interface. */
  manage(path: string): Promise<string>
  /** Overrides the renewal information of a certificate (PEM) with any text. */
  setRenewalInfo(certificatePem: string, response: string): Promise<void>
}

/** Starts Pebble on loopback; everything it needs is in a folder of its own that `stop` removes. */
export async function startPebble(options: PebbleOptions = {}): Promise<RunningPebble> {
  const { pebble } = await ensurePebble()
  const folder = await mkdtemp(join(tmpdir(), 'trustform-pebble-'))
  const root = await makeCertificates(folder)
  const [port, management] = [await freePort(), await freePort()]
  const profiles = Object.entries(options.profiles ?? { default: 7_776_000 })
  const retryAfter = options.retryAfter ?? 0
  const config = {
    pebble: {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${management}`,
      certificate: join(folder, 'cert.pem'),
      privateKey: join(folder, 'key.pem'),
      httpPort: options.httpPort ?? (await freePort()),
      tlsPort: options.tlsPort ?? (await freePort()),
      ocspResponderURL: options.ocsp ?? '',
      externalAccountBindingRequired: options.eab !== undefined,
      externalAccountMACKeys: options.eab ?? {},
      caaIdentities: options.caaIdentities ?? [],
      domainBlocklist: options.blockedDomains ?? ['blocked-domain.example'],
      retryAfter: { authz: retryAfter, order: retryAfter },
      // Only RSA keys can be had from the management interface, for whoever answers OCSP.
      keyAlgorithm: options.ocsp === undefined ? 'ecdsa' : 'rsa',
      profiles: Object.fromEntries(
        profiles.map(([name, validityPeriod]) => [name, { description: `profile ${name}`, validityPeriod }]),
      ),
    },
  }
  await writeFile(join(folder, 'config.json'), JSON.stringify(config))
  const directoryUrl = `https://127.0.0.1:${port}/dir`
  const managementUrl = `https://127.0.0.1:${management}`
  const server = await startServer({
    name: 'pebble',
    command: pebble,
    args: [
      '-config',
      join(folder, 'config.json'),
      '-strict',
      ...(options.dnsServer === undefined ? [] : ['-dnsserver', options.dnsServer]),
    ],
    env: {
      PEBBLE_VA_NOSLEEP: '1',
      PEBBLE_WFE_NONCEREJECT: String(options.nonceReject ?? 5),
      PEBBLE_AUTHZREUSE: String(options.authzReuse ?? 50),
      PEBBLE_ALTERNATE_ROOTS: String(options.alternateRoots ?? 0),
    },
    ready: async () => (await exchange(directoryUrl, root)).status === 200,
  }).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true })
    throw error
  })
  return {
    pid: server.pid,
    output: server.output,
    directoryUrl,
    managementUrl,
    trustedRoots: [root],
    issuingRoot: async (alternate = 0) => (await exchange(`${managementUrl}/roots/${alternate}`, root)).body,
    async manage(path) {
      const answer = await exchange(managementUrl + path, root)
      if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${answer.body}`)
      return answer.body
    },
    async setRenewalInfo(certificatePem, response) {
      const body = JSON.stringify({ Certificate: certificatePem, ARIResponse: response })
      const answer = await exchange(`${managementUrl}/set-renewal-info/`, root, body)
      if (answer.status !== 200) throw new Error(`set-renewal-info answered ${answer.status}: ${answer.body}`)
    },
    async stop() {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A CA and a certificate for 127.0.0.1, by openssl so that nothing of ours vouches for the peer. Gives the CA's PEM. */
async function makeCertificates(folder: string): Promise<string> {
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder })
  const ca = ['-subj', '/CN=Pebble TLS CA', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '30']
  await openssl('req', '-x509', ...curve, ...ca, '-addext', 'keyUsage=critical,keyCertSign')
  await openssl('req', ...curve, '-subj', '/CN=localhost', '-keyout', 'key.pem', '-out', 'server.csr')
  await writeFile(join(folder, 'ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n')
  const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30', '-extfile', 'ext']
  await openssl('x509', '-req', '-in', 'server.csr', ...signing, '-out', 'cert.pem')
  return readFile(join(folder, 'ca.pem'), 'utf8')
}

function exchange(url: string, ca: string, body?: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    // RFC 8555 §6.1: Pebble's strict mode refuses a client that does not say who it is.
    const headers = { 'user-agent': 'trustform-test' }
    const method = body === undefined ? 'GET' : 'POST'
    const sent = request(url, { ca, agent: false, method, headers }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
