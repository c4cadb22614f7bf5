import { refusalIn } from '../../../core/egress.ts'
import { EngineError } from '../../../core/errors.ts'
import type { Clock } from '../../../core/ports.ts'
import { type Endpoint, formatEndpoint } from '../../endpoint.ts'
import { answersTo, type DnsTransport, ExchangeFailure, freshId } from '../../exchange.ts'
import { signMessage, TsigFailure, type TsigKey, verifyResponse } from '../../tsig.ts'
import { rcodeName, rcodes } from '../../wire/codes.ts'
import { encodeMessage, type Message, type UpdateStep, updateMessage } from '../../wire/message.ts'
import { MalformedMessage } from '../../wire/octets.ts'

export interface UpdateServer {
  readonly endpoint: Endpoint
  readonly key: TsigKey
  readonly transport: DnsTransport
  readonly clock: Clock
  readonly signal?: AbortSignal | undefined
}

/** Milliseconds for one signed exchange. */
const timeout = 10_000

/**
 * Sends one signed UPDATE over TCP (RFC 2136 §6.2) and gives the response code that the server signed.
 * Errors: `dns_unauthorized` for every TSIG failure, `dns_provider_failed` where the server cannot be reached,
 * `egress_refused` where it must not be.
 */
export function update(server: UpdateServer, zone: string, steps: readonly UpdateStep[]): Promise<number> {
  return signed(server, updateMessage(freshId(), zone, steps))
}

/** Sends any message under the key; an answer proves that the server knows it. */
export async function signed(server: UpdateServer, message: Message): Promise<number> {
  const { endpoint, key, transport, clock, signal } = server
  const request = signMessage(encodeMessage(message), key, clock.now())
  try {
    const answers = answersTo(message)
    const response = await transport.exchange(endpoint, request.bytes, { protocol: 'tcp', timeout, signal, answers })
    return verifyResponse(response, key, request.mac, clock.now()).rcode
  } catch (cause) {
    throw explained(cause, server)
  }
}

function explained(cause: unknown, { endpoint, key }: UpdateServer): unknown {
  const refusal = refusalIn(cause)
  if (refusal) return refusal
  const where = formatEndpoint(endpoint)
  if (cause instanceof TsigFailure) {
    return new EngineError(
      'dns_unauthorized',
      `${where} refuses the TSIG key ${key.name}: ${cause.reason}, ${cause.message}`,
      {
        remedy: remedies[cause.reason],
        details: {
          tsig: cause.reason,
          ...(cause.clockDifference !== undefined && { clockDifference: cause.clockDifference }),
        },
        cause,
      },
    )
  }
  if (cause instanceof ExchangeFailure || cause instanceof MalformedMessage) {
    return new EngineError('dns_provider_failed', `the update server failed: ${cause.message}`, {
      remedy: 'check nameserver and port, and that the server takes updates over TCP',
      cause,
    })
  }
  return cause
}

const remedies: Readonly<Record<TsigFailure['reason'], string>> = {
  BADSIG: 'set tsig_secret to the secret that the server has for this key',
  BADKEY: 'check tsig_key_name and tsig_algorithm against the key statement of the server',
  BADTIME: 'set the clock of this machine or of the server',
  BADTRUNC: 'allow full-length signatures on the server',
  unsigned: 'check that the server knows the key and allows it to update the zone',
  forged: 'check that nothing between here and the server changes DNS messages',
}

/** Turns a signed refusal into its error; NOERROR passes. */
export function refuse(rcode: number, zone: string, { endpoint, key }: UpdateServer): void {
  if (rcode === rcodes.NOERROR) return
  const where = formatEndpoint(endpoint)
  const said = `${where} answered ${rcodeName(rcode)} to an update of ${zone}`
  if (rcode === rcodes.NOTAUTH || rcode === rcodes.NOTZONE) {
    throw new EngineError('dns_zone_not_found', said, { remedy: 'name the primary server of the zone as nameserver' })
  }
  if (rcode === rcodes.REFUSED) {
    throw new EngineError('dns_unauthorized', said, {
      remedy: `grant the key ${key.name} updates of TXT records there`,
    })
  }
  throw new EngineError('dns_provider_failed', said, { remedy: 'read the log of the server' })
}
