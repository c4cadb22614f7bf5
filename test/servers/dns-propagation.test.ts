import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../engine/core/secret.ts'
import { parseEndpoint } from '../../engine/dns/endpoint.ts'
import { socketTransport } from '../../engine/dns/exchange.ts'
import { awaitPropagation } from '../../engine/dns/propagation.ts'
import type { DnsProvider } from '../../engine/dns/provider.ts'
import { descriptor } from '../../engine/dns/providers/rfc2136/index.ts'
import { createHttp } from '../../engine/net/http.ts'
import { type BindServer, startBind } from './bind.ts'
import { freeDnsPort } from './dns-client.ts'
import { quietTrace, recordingLog, systemClock } from './quiet.ts'

const name = '_acme-challenge.dyn.example'
const zone = { id: 'dyn.example', name: 'dyn.example', nameservers: [] }
let primary: BindServer
let secondary: BindServer
let provider: DnsProvider

beforeAll(async () => {
  // The secondary learns of a change at its next look, up to three seconds later: NOTIFY is off.
  primary = await startBind({ zones: [{ name: 'dyn.example' }] })
  secondary = await startBind({ zones: [{ name: 'dyn.example', primary: primary.nameserver }] })
  const credentials = { tsig_key_name: new Secret(primary.key.name), tsig_secret: new Secret(primary.key.secret) }
  const config = { nameserver: '127.0.0.1', port: primary.port, zones: ['dyn.example'] }
  const context = { http: createHttp(), dns: socketTransport, clock: systemClock, log: recordingLog() }
  provider = descriptor.open({ credentials, config, ttl: 60 }, context)
})
afterAll(async () => {
  await secondary?.stop()
  await primary?.stop()
})

function wait(nameservers: readonly string[], values: readonly string[], timeout = 30, signal?: AbortSignal) {
  const servers = nameservers.map(text => ({ name: text, endpoints: [parseEndpoint(text)] }))
  const log = recordingLog()
  const context = { transport: socketTransport, clock: systemClock, trace: quietTrace, log, signal }
  return { log, done: awaitPropagation({ name, values, servers, timeout, firstPause: 100 }, context) }
}

describe('propagation between real servers', () => {
  test('ends when the lagging secondary shows both values', async () => {
    await provider.present(zone, name, 'first')
    await provider.present(zone, name, 'second')
    expect(await secondary.txt(name)).toEqual([])
    await wait([primary.nameserver, secondary.nameserver], ['first', 'second']).done
    expect(await secondary.txt(name)).toEqual(['first', 'second'])
    await provider.cleanup(zone, name, 'first')
    await provider.cleanup(zone, name, 'second')
  })

  test('leaves a dead server out and says so', async () => {
    await provider.present(zone, name, 'value')
    const dead = `127.0.0.1:${await freeDnsPort()}`
    const { log, done } = wait([primary.nameserver, dead], ['value'])
    await done
    expect(log.warnings).toHaveLength(2)
    expect(log.warnings[0]).toContain(dead)
    await provider.cleanup(zone, name, 'value')
  })

  test('a value that never comes is told per server and protocol', async () => {
    const error = await wait([primary.nameserver], ['never'], 1).done.catch(failure => failure)
    expect(error).toMatchObject({
      code: 'propagation_timeout',
      details: {
        negativeCacheSeconds: 5,
        servers: [
          { server: primary.nameserver, protocol: 'udp', answer: 'NXDOMAIN without a TXT value' },
          { server: primary.nameserver, protocol: 'tcp', answer: 'NXDOMAIN without a TXT value' },
        ],
      },
    })
  })

  test('servers that do not serve the zone are not enough', async () => {
    const stranger = await startBind({ zones: [{ name: 'other.example' }] })
    const error = await wait([stranger.nameserver], ['value'], 1).done.catch(failure => failure)
    await stranger.stop()
    expect(error).toMatchObject({ code: 'propagation_timeout', message: expect.stringContaining('REFUSED') })
  })

  test('is interrupted by the signal while a server keeps silent', async () => {
    const silent = await startSilentServer()
    const stop = new AbortController()
    const { done } = wait([silent.nameserver], ['value'], 60, stop.signal)
    silent.onQuestion(() => stop.abort(new Error('stopped by the user')))
    await expect(done).rejects.toThrow('stopped by the user')
    silent.stop()
  })
})

/** Takes questions over UDP and TCP and never answers. */
async function startSilentServer() {
  const port = await freeDnsPort()
  const udp = createSocket('udp4').bind(port, '127.0.0.1')
  const tcp = createServer(socket => socket.on('error', () => socket.destroy())).listen(port, '127.0.0.1')
  await Promise.all([once(udp, 'listening'), once(tcp, 'listening')])
  return {
    nameserver: `127.0.0.1:${port}`,
    onQuestion: (listener: () => void) => void udp.once('message', listener),
    stop() {
      udp.close()
      tcp.close()
    },
  }
}
