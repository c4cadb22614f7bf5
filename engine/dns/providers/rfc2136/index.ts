import { randomBytes } from 'node:crypto'
import { EngineError } from '../../../core/errors.ts'
import type { JsonObject } from '../../../core/json.ts'
import { Secret } from '../../../core/secret.ts'
import { freshId } from '../../exchange.ts'
import { challengeName, normaliseName } from '../../names.ts'
import type { DnsProvider, ProviderContext, ProviderDescriptor, ProviderSettings, Zone } from '../../provider.ts'
import { type TsigAlgorithm, type TsigKey, tsigAlgorithms } from '../../tsig.ts'
import { rcodes, recordTypes } from '../../wire/codes.ts'
import { queryMessage } from '../../wire/message.ts'
import { textData } from '../../wire/records.ts'
import { refuse, signed, type UpdateServer, update } from './update.ts'
import { searchZone, servesZone } from './zone-search.ts'

/** Dynamic update (RFC 2136) signed with TSIG (RFC 8945): BIND, Knot, PowerDNS, Windows DNS. */
export const descriptor: ProviderDescriptor = { type: 'rfc2136', displayName: 'RFC 2136 dynamic update', open }

function open({ credentials, config, ttl }: ProviderSettings, context: ProviderContext): DnsProvider {
  const { nameserver, port } = config
  if (typeof nameserver !== 'string') {
    throw new EngineError('schema_violation', 'an rfc2136 provider needs a nameserver', { remedy: 'add it to config' })
  }
  const server: UpdateServer = {
    endpoint: { host: nameserver, port: typeof port === 'number' ? port : 53 },
    key: readKey(credentials),
    transport: context.dns,
    clock: context.clock,
    signal: context.signal,
  }
  return createProvider(server, configuredZones(config), ttl, context)
}

function createProvider(
  server: UpdateServer,
  configured: readonly string[],
  ttl: number,
  { log }: ProviderContext,
): DnsProvider {
  const asZone = (name: string): Zone => ({ id: name, name, nameservers: [] })

  /** Proves key and grant by removing a value that cannot be there; nothing changes. */
  async function verify(zone: string): Promise<void> {
    if (!(await servesZone(zone, server))) {
      throw new EngineError('dns_zone_not_found', `${server.endpoint.host} does not serve the zone ${zone}`, {
        remedy: 'correct zones, or name the primary server of the zone as nameserver',
      })
    }
    const absent = `verify-${randomBytes(12).toString('base64url')}`
    const rcode = await update(server, zone, [step('delete', challengeName(zone), absent, ttl)])
    // The grant may be for a deeper name only; the signature of the refusal proves the key all the same.
    if (rcode === rcodes.REFUSED) log.warn('the key may not update the challenge name of the apex', { zone })
    else refuse(rcode, zone, server)
  }

  async function change(action: 'add' | 'delete', zone: Zone, name: string, value: string): Promise<void> {
    refuse(await update(server, zone.name, [step(action, name, value, ttl)]), zone.name, server)
  }

  return {
    async zones() {
      for (const zone of configured) await verify(zone)
      // Without zones to update, any signed exchange still tells whether the server knows the key.
      if (configured.length === 0) await signed(server, queryMessage(freshId(), '', recordTypes.SOA, false))
      return configured.map(asZone)
    },
    async findZone(name) {
      if (configured.length > 0) return undefined
      const found = await searchZone(name, server)
      return found === undefined ? undefined : asZone(found)
    },
    // Adding a present value and deleting an absent one are NOERROR (RFC 2136 §3.4.2): idempotent as they are.
    present: (zone, name, value) => change('add', zone, name, value),
    cleanup: (zone, name, value) => change('delete', zone, name, value),
  }
}

const step = (action: 'add' | 'delete', name: string, value: string, ttl: number) => ({
  action,
  name,
  type: recordTypes.TXT,
  ttl,
  data: textData(value),
})

function configuredZones({ zones }: JsonObject): readonly string[] {
  return Array.isArray(zones) ? zones.map(zone => normaliseName(String(zone))) : []
}

function readKey(credentials: ProviderSettings['credentials']): TsigKey {
  const { tsig_key_name: name, tsig_secret: secret, tsig_algorithm: algorithm } = credentials
  if (name === undefined || secret === undefined) {
    throw new EngineError('schema_violation', 'an rfc2136 provider needs tsig_key_name and tsig_secret', {
      remedy: 'add both to credentials',
    })
  }
  return {
    name: name.reveal(),
    algorithm: readAlgorithm(algorithm?.reveal() ?? 'hmac-sha256'),
    secret: readSecret(secret),
  }
}

function readAlgorithm(text: string): TsigAlgorithm {
  const name = text.toLowerCase().replace(/\.$/, '')
  if (Object.hasOwn(tsigAlgorithms, name)) return name as TsigAlgorithm // as: a key of the table, just checked
  throw new EngineError('schema_violation', `"${text}" is not a TSIG algorithm`, {
    remedy: `write one of ${Object.keys(tsigAlgorithms).join(', ')}`,
  })
}

function readSecret(secret: Secret): Secret<Uint8Array> {
  const text = secret.reveal().trim()
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) {
    throw new EngineError('dns_unauthorized', 'tsig_secret is not base64', {
      remedy: 'use the secret as it stands in the key statement of the server',
    })
  }
  return new Secret<Uint8Array>(Uint8Array.from(Buffer.from(text, 'base64')))
}
