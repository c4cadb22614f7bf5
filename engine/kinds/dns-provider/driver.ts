import type { DnsProviderSpec } from '../../../schemas/generated/types.ts'
import { EngineError } from '../../core/errors.ts'
import { Secret } from '../../core/secret.ts'
import { openProvider } from '../../dns/open-provider.ts'
import type { Zone } from '../../dns/provider.ts'
import { dnsReach } from '../../dns/reach.ts'
import type {
  Driver,
  Observation,
  Operation,
  OperationContext,
  Outcome,
  ReadContext,
  Subject,
  World,
} from '../driver.ts'
import { specOf } from '../spec.ts'
import { lostAccess, lostZones } from './drift.ts'

/** Where challenge records are written. Its credentials are tried before anything relies on them. */
export const driver: Driver = {
  kind: 'DnsProvider',
  idPrefix: 'dnsp',
  guarded: false,
  read: observe,
  fate: () => 'its stored credentials are destroyed',
  create: verify,
  update: verify,
  delete: async () => ({}),
}

/** Lists the provider's zones, which proves the credentials. */
async function observe(subject: Subject, world: World, context: ReadContext): Promise<Observation> {
  const spec = specOf<DnsProviderSpec>(subject)
  const pointer = (field: string) => `/credentials/${field}`
  const secret = async (field: string) => {
    const wanted = subject.secrets.get(pointer(field))
    // What is declared without a field must not be tried with the recorded one.
    if (wanted || subject.declared || !subject.recorded) return wanted
    const octets = await context.unseal(`${subject.recorded.id}#${pointer(field)}`)
    return octets && asText(octets)
  }
  try {
    const zones = await zonesOf(subject, secret, context)
    const names = zones.map(zone => zone.name)
    return { exists: true, facts: { zones: names }, drift: lostZones(subject, names, world), findings: [] }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    const { code, message, remedy = 'check the credentials and the provider, then plan again' } = error
    const level = spec.verify ? 'error' : 'warning'
    const [check, at] = code === 'egress_refused' ? ['egress', '/spec/config'] : ['credentials', '/spec/credentials']
    const finding = { check, level, code, message, remedy, pointer: at } as const
    return { exists: true, facts: {}, drift: lostAccess(subject, error), findings: [finding] }
  }
}

async function verify(operation: Operation, context: OperationContext): Promise<Outcome> {
  const { verify: wanted } = specOf<DnsProviderSpec>(operation)
  if (!wanted) return { status: {} }
  context.progress('trying the credentials')
  const secret = async (field: string) => operation.secrets.get(`/credentials/${field}`)
  const zones = await zonesOf(operation, secret, context)
  return { status: { zones: zones.map(zone => zone.name), verifiedAt: context.clock.now().toISOString() } }
}

async function zonesOf(
  { address, spec }: Pick<Subject, 'address' | 'spec'>,
  secret: (field: string) => Promise<Secret | undefined>,
  { http, clock, log, network, signal }: Pick<ReadContext, 'http' | 'clock' | 'log' | 'network' | 'signal'>,
): Promise<readonly Zone[]> {
  const ports = { http, clock, log, dns: dnsReach(network).transport, ...(signal && { signal }) }
  const opened = await openProvider({ address, ...specOf<DnsProviderSpec>({ spec }), secret }, ports)
  return opened.provider.zones()
}

function asText(octets: Secret<Uint8Array>): Secret {
  return new Secret(Buffer.from(octets.reveal()).toString('utf8'))
}
