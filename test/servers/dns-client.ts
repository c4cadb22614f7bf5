import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { ask, freshId, socketTransport } from '../../engine/dns/exchange.ts'
import { rcodes, recordTypes } from '../../engine/dns/wire/codes.ts'
import { queryMessage } from '../../engine/dns/wire/message.ts'
import { textOf } from '../../engine/dns/wire/records.ts'
import { freePort } from './process.ts'

/** A DNS server as tests use it, whichever program it is. */
export interface DnsServer {
  readonly pid: number
  readonly port: number
  /** `127.0.0.1:port`, as `propagation.nameservers` and `--resolver` take it. */
  readonly nameserver: string
  /** TXT values that it serves at a name now, sorted. */
  txt(name: string): Promise<string[]>
  /** Everything that it printed. */
  output(): string
  stop(): Promise<void>
}

/** Asks a server on this machine, without recursion, over TCP. */
export async function query(port: number, name: string, type: keyof typeof recordTypes) {
  const message = queryMessage(freshId(), name, recordTypes[type], false)
  return ask(socketTransport, { host: '127.0.0.1', port }, message, { protocol: 'tcp', timeout: 5000 })
}

export async function readTxt(port: number, name: string): Promise<string[]> {
  const answer = await query(port, name, 'TXT')
  return answer.answers.flatMap(({ data }) => textOf(data) ?? []).sort()
}

/** Whether a server answers for a zone with authority: then it has loaded it. */
export async function serves(port: number, zone: string): Promise<boolean> {
  const answer = await query(port, zone, 'SOA')
  return answer.rcode === rcodes.NOERROR && answer.authoritative
}

/** A port that is free for TCP and for UDP on 127.0.0.1. */
export async function freeDnsPort(): Promise<number> {
  for (;;) {
    const port = await freePort()
    const socket = createSocket('udp4')
    const free = once(socket, 'listening').then(
      () => true,
      () => false,
    )
    socket.bind(port, '127.0.0.1')
    if (await free) {
      socket.close()
      return port
    }
  }
}

/** Starts a server on fresh ports; another process may take a free port before the server does, so it is retried. */
export async function onFreshPorts<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start()
    } catch (error) {
      if (attempt === 3 || !/in use|could not bind|Unable to bind/i.test(String(error))) throw error
    }
  }
}
