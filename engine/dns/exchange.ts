import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect, isIP } from 'node:net'
import { type Endpoint, formatEndpoint } from './endpoint.ts'
import { opcodes } from './wire/codes.ts'
import { type DecodedMessage, decodeMessage, encodeMessage, type Message } from './wire/message.ts'

export type Protocol = 'udp' | 'tcp'

export interface ExchangeOptions {
  readonly protocol: Protocol
  /** Milliseconds for the whole exchange. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
  /** Whether octets answer our request; what does not is ignored over UDP (RFC 5452 §9.1) and fails over TCP. */
  readonly answers: (response: Uint8Array) => boolean
}

/**
 * The network port of this folder: one request to one server address, one response. Rejects with
 * `ExchangeFailure`. A service puts its egress guard around it (`guarded.ts`); tests map ports with it.
 */
export interface DnsTransport {
  exchange(endpoint: Endpoint, request: Uint8Array, options: ExchangeOptions): Promise<Uint8Array>
}

/** Why a DNS exchange gave no usable response; `refused` by the egress guard, whose error is the `cause`. */
export class ExchangeFailure extends Error {
  override readonly name = 'ExchangeFailure'
  readonly reason: 'unreachable' | 'refused' | 'timeout' | 'malformed'

  constructor(reason: ExchangeFailure['reason'], message: string, cause?: unknown) {
    super(message, { cause })
    this.reason = reason
  }
}

/** Sockets of this machine. `endpoint.host` must be an IP address or a name that the system resolves. */
export const socketTransport: DnsTransport = {
  exchange: (endpoint, request, options) =>
    options.protocol === 'udp' ? overUdp(endpoint, request, options) : overTcp(endpoint, request, options),
}

/** How a query may travel: `udp` repeats over TCP when the answer is truncated (RFC 7766 §5). */
export interface AskOptions {
  readonly protocol: Protocol
  readonly timeout?: number
  readonly signal?: AbortSignal | undefined
}

/** A message identifier that cannot be guessed (RFC 5452 §9.2). */
export const freshId = (): number => randomInt(0x1_0000)

/** Sends a query and reads the answer, over TCP where UDP truncates it. Rejects with `ExchangeFailure`. */
export async function ask(
  transport: DnsTransport,
  endpoint: Endpoint,
  query: Message,
  { protocol, timeout = 3000, signal }: AskOptions,
): Promise<DecodedMessage> {
  const request = encodeMessage(query)
  const answers = answersTo(query)
  const response = await transport.exchange(endpoint, request, { protocol, timeout, signal, answers })
  const message = decoded(response, endpoint)
  if (protocol === 'tcp' || !message.truncated) return message
  return decoded(await transport.exchange(endpoint, request, { protocol: 'tcp', timeout, signal, answers }), endpoint)
}

function decoded(response: Uint8Array, endpoint: Endpoint): DecodedMessage {
  try {
    return decodeMessage(response)
  } catch (error) {
    throw new ExchangeFailure('malformed', `${formatEndpoint(endpoint)} sent a malformed DNS message`, error)
  }
}

/**
 * Whether a response belongs to a request: same identifier, and the same question where one is echoed. An error
 * response and the response to an update may leave it out (RFC 2136 §3.8).
 */
export function answersTo(request: Message): (response: Uint8Array) => boolean {
  const [asked] = request.questions
  return bytes => {
    let message: DecodedMessage
    try {
      message = decodeMessage(bytes)
    } catch {
      // A truncated or broken message of ours is for the decoder to complain about.
      return bytes.length >= 12 && (bytes[0] ?? 0) * 256 + (bytes[1] ?? 0) === request.id
    }
    if (message.id !== request.id || !message.response || message.opcode !== request.opcode) return false
    const [echoed] = message.questions
    if (echoed === undefined) return request.opcode === opcodes.UPDATE || message.rcode !== 0
    return echoed.name === asked?.name && echoed.type === asked.type && echoed.class === asked.class
  }
}

function overUdp(endpoint: Endpoint, request: Uint8Array, options: ExchangeOptions): Promise<Uint8Array> {
  return bounded(endpoint, options, (resolve, reject) => {
    const socket = createSocket(isIP(endpoint.host) === 6 ? 'udp6' : 'udp4')
    socket.on('error', reject)
    socket.on('message', message => {
      if (options.answers(message)) resolve(Uint8Array.from(message))
    })
    // Connected: the kernel then drops what comes from elsewhere, and a closed port is an error instead of silence.
    socket.connect(endpoint.port, endpoint.host, (error?: Error) => {
      if (error) reject(error)
      else socket.send(request)
    })
    return () => socket.close()
  })
}

function overTcp(endpoint: Endpoint, request: Uint8Array, options: ExchangeOptions): Promise<Uint8Array> {
  return bounded(endpoint, options, (resolve, reject) => {
    const socket = connect({ host: endpoint.host, port: endpoint.port })
    let received = Buffer.alloc(0)
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the connection was closed before the answer')))
    // RFC 7766 §8: the two length octets and the message in one write.
    socket.on('connect', () =>
      socket.write(Buffer.concat([Uint8Array.of(request.length >> 8, request.length & 0xff), request])),
    )
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk])
      if (received.length < 2) return
      const length = received.readUInt16BE(0)
      if (received.length < length + 2) return
      const message = Uint8Array.from(received.subarray(2, length + 2))
      if (options.answers(message)) resolve(message)
      else reject(new ExchangeFailure('malformed', `${formatEndpoint(endpoint)} answered something else`))
    })
    return () => socket.destroy()
  })
}

/** Runs one exchange within its time and signal, and closes its socket whatever happens. */
function bounded(
  endpoint: Endpoint,
  { timeout, signal, protocol }: ExchangeOptions,
  start: (resolve: (response: Uint8Array) => void, reject: (error: Error) => void) => () => void,
): Promise<Uint8Array> {
  const server = `${formatEndpoint(endpoint)} over ${protocol.toUpperCase()}`
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    let settled = false
    const settle = (finish: () => void) => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      close()
      finish()
    }
    const onAbort = () => settle(() => reject(signal?.reason))
    const timer = setTimeout(
      () => settle(() => reject(new ExchangeFailure('timeout', `${server} did not answer within ${timeout} ms`))),
      timeout,
    )
    signal?.addEventListener('abort', onAbort)
    const close = start(
      response => settle(() => resolve(response)),
      error =>
        settle(() =>
          reject(
            error instanceof ExchangeFailure
              ? error
              : new ExchangeFailure('unreachable', `${server} is unreachable: ${error.message}`, error),
          ),
        ),
    )
  })
}
