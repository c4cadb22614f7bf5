import { Secret } from '../../engine/core/secret.ts'
import type { ContractSubject } from '../../engine/dns/contract.ts'
import { describeDnsProvider } from '../../engine/dns/contract.ts'
import { socketTransport } from '../../engine/dns/exchange.ts'
import type { ProviderContext } from '../../engine/dns/provider.ts'
import { loadProvider } from '../../engine/dns/registry.ts'
import { createHttp } from '../../engine/net/http.ts'
import { type BindKey, startBind } from './bind.ts'
import { query } from './dns-client.ts'
import { startPowerDns } from './powerdns.ts'
import { recordingLog, systemClock } from './quiet.ts'

describeDnsProvider('PowerDNS over its API', async (): Promise<ContractSubject> => {
  const server = await startPowerDns({ zones: ['acme.example', 'child.acme.example'] })
  await server.createZone('copied.example', 'Slave')
  const http = createHttp()
  const { open } = await loadProvider('powerdns')
  const context = contextWith(http)
  const as = (key: string) => {
    const credentials = { api_url: new Secret(server.apiUrl), api_key: new Secret(key) }
    return open({ credentials, config: {}, ttl: 60 }, context)
  }
  return {
    provider: as(server.apiKey),
    stranger: as('wrong-key'),
    strangerIsTold: /401: Unauthorized/,
    zone: 'acme.example',
    childZone: 'child.acme.example',
    hiddenZone: 'copied.example',
    served: server.txt,
    writeForeign: (zone, name, type, content) =>
      server.setRecords(zone, name, type, [type === 'TXT' ? `"${content}"` : content]),
    servesAddress: (name, address) => servesAddress(server.port, name, address),
    async stop() {
      await http.close()
      await server.stop()
    },
  }
})

describe2136('hmac-sha256')
describe2136('hmac-sha224')
describe2136('hmac-sha384')
describe2136('hmac-sha512')

function describe2136(algorithm: BindKey['algorithm']): void {
  describeDnsProvider(`RFC 2136 to BIND, ${algorithm}`, async (): Promise<ContractSubject> => {
    const zones = ['dyn.example', 'child.dyn.example']
    const server = await startBind({
      zones: zones.map(name => ({
        name,
        updatePolicy: [`grant ${keyName(algorithm)} zonesub TXT A;`, 'grant acme-key zonesub TXT A;'],
      })),
    })
    const key = server.keys.find(each => each.algorithm === algorithm)
    if (key === undefined) throw new Error(`BIND has no ${algorithm} key`)
    const { open } = await loadProvider('rfc2136')
    const context = contextWith(createHttp())
    const as = (secret: string) =>
      open(
        {
          credentials: {
            tsig_key_name: new Secret(key.name),
            tsig_algorithm: new Secret<string>(key.algorithm),
            tsig_secret: new Secret(secret),
          },
          config: { nameserver: '127.0.0.1', port: server.port, zones },
          ttl: 60,
        },
        context,
      )
    return {
      provider: as(key.secret),
      stranger: as(Buffer.alloc(32, 7).toString('base64')),
      strangerIsTold: /BADSIG/,
      zone: 'dyn.example',
      childZone: 'child.dyn.example',
      served: server.txt,
      writeForeign: (zone, name, type, content) =>
        server.nsupdate(zone, [`update add ${name}. 60 ${type} ${type === 'TXT' ? `"${content}"` : content}`]),
      servesAddress: (name, address) => servesAddress(server.port, name, address),
      stop: server.stop,
    }
  })
}

const keyName = (algorithm: BindKey['algorithm']) =>
  algorithm === 'hmac-sha256' ? 'acme-key' : `acme-key-${algorithm.slice(-3)}`

function contextWith(http: ProviderContext['http']): ProviderContext {
  return { http, dns: socketTransport, clock: systemClock, log: recordingLog() }
}

async function servesAddress(port: number, name: string, address: string): Promise<boolean> {
  const { answers } = await query(port, name, 'A')
  return answers.some(({ data }) => data.kind === 'A' && data.address === address)
}
