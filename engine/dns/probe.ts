import { refusalIn } from '../core/egress.ts'
import type { EngineError } from '../core/errors.ts'
import type { NameServer } from './authority.ts'
import { type Endpoint, formatEndpoint } from './endpoint.ts'
import { ask, type DnsTransport, ExchangeFailure, freshId, type Protocol } from './exchange.ts'
import { rcodeName, rcodes, recordTypes } from './wire/codes.ts'
import { type DecodedMessage, queryMessage } from './wire/message.ts'
import { textOf } from './wire/records.ts'

/** One way to ask one server. An address is absent where the server's name has none. */
export interface Probe {
  readonly label: string
  readonly endpoint: Endpoint | undefined
  readonly protocol: Protocol
}

export interface Answer {
  /** Authoritative, and NOERROR or NXDOMAIN. */
  readonly usable: boolean
  readonly values: readonly string[]
  /** What was answered, for people. */
  readonly words: string
  /** How long a resolver may remember this absence (RFC 2308 §5). */
  readonly minimum?: number
  /** The egress guard's error, where it did not let us ask. */
  readonly refusal?: EngineError
}

/** Every address of every server, over UDP (with TCP where truncated) and over TCP. */
export function probesOf(servers: readonly NameServer[]): readonly Probe[] {
  return servers.flatMap(({ name, endpoints }): Probe[] => {
    if (endpoints.length === 0) return [{ label: name, endpoint: undefined, protocol: 'udp' }]
    return endpoints.flatMap(endpoint =>
      (['udp', 'tcp'] as const).map(protocol => ({ label: labelOf(name, endpoint), endpoint, protocol })),
    )
  })
}

function labelOf(name: string, endpoint: Endpoint): string {
  const address = formatEndpoint(endpoint)
  return name === address ? address : `${name} (${address})`
}

/** Asks one server for the TXT values of a name, without recursion. Never rejects but for the signal. */
export async function readTexts(
  { endpoint, protocol }: Probe,
  name: string,
  { transport, signal }: { readonly transport: DnsTransport; readonly signal?: AbortSignal | undefined },
): Promise<Answer> {
  if (endpoint === undefined) return { usable: false, values: [], words: 'it has no address' }
  try {
    const query = queryMessage(freshId(), name, recordTypes.TXT, false)
    return judge(await ask(transport, endpoint, query, { protocol, timeout: 3000, signal }), name)
  } catch (error) {
    if (!(error instanceof ExchangeFailure)) throw error
    const refusal = refusalIn(error)
    return { usable: false, values: [], words: error.message, ...(refusal && { refusal }) }
  }
}

function judge(message: DecodedMessage, name: string): Answer {
  const { rcode } = message
  if (rcode !== rcodes.NOERROR && rcode !== rcodes.NXDOMAIN)
    return { usable: false, values: [], words: rcodeName(rcode) }
  if (!message.authoritative) return { usable: false, values: [], words: `${rcodeName(rcode)}, but not authoritative` }
  const values = message.answers.flatMap(({ name: owner, data }) => (owner === name ? (textOf(data) ?? []) : []))
  const minimum = negativeLifetime(message)
  return {
    usable: true,
    values,
    words: values.length === 0 ? `${rcodeName(rcode)} without a TXT value` : `other values: ${values.join(', ')}`,
    ...(values.length === 0 && minimum !== undefined && { minimum }),
  }
}

/** RFC 2308 §5: the smaller of the SOA record's own TTL and its MINIMUM field. */
function negativeLifetime(message: DecodedMessage): number | undefined {
  for (const { ttl, data } of message.authorities) if (data.kind === 'SOA') return Math.min(ttl, data.minimum)
  return undefined
}
