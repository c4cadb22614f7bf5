import { isIP } from 'node:net'
import { refusalIn } from '../../../core/egress.ts'
import { EngineError } from '../../../core/errors.ts'
import { ask, ExchangeFailure, freshId } from '../../exchange.ts'
import { selfAndParents } from '../../names.ts'
import { rcodes, recordTypes } from '../../wire/codes.ts'
import { queryMessage } from '../../wire/message.ts'
import type { UpdateServer } from './update.ts'

/**
 * The zone of a name at this very server: from the name upwards, the first owner of an authoritative SOA record.
 * Public DNS may know another cut. Undefined when the server serves none of them.
 */
export async function searchZone(name: string, server: UpdateServer): Promise<string | undefined> {
  for (const ancestor of selfAndParents(name)) if (await servesZone(ancestor, server)) return ancestor
  return undefined
}

/** Whether the server answers the SOA of a zone with authority. */
export async function servesZone(zone: string, { endpoint, transport, signal }: UpdateServer): Promise<boolean> {
  try {
    const query = queryMessage(freshId(), zone, recordTypes.SOA, false)
    const answer = await ask(transport, endpoint, query, { protocol: 'tcp', timeout: 10_000, signal })
    const owned = answer.answers.some(({ name, data }) => data.kind === 'SOA' && name === zone)
    return answer.rcode === rcodes.NOERROR && answer.authoritative && owned
  } catch (cause) {
    if (!(cause instanceof ExchangeFailure)) throw cause
    const refusal = refusalIn(cause)
    if (refusal) throw refusal
    const hint = isIP(endpoint.host) === 0 ? 'the name and port of nameserver' : 'nameserver and port'
    throw new EngineError('dns_provider_failed', `the update server failed: ${cause.message}`, {
      remedy: `check ${hint}`,
      cause,
    })
  }
}
