import type { CertificateSpec } from '../../../schemas/generated/types.ts'
import { canonicalJson } from '../../core/canonical-json.ts'
import type { EngineError } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import { identifierOf } from '../../dns/names.ts'
import type { FieldDiff, Subject, World } from '../driver.ts'
import { specOf } from '../spec.ts'

/** Credentials that were taken when they were recorded, and are no longer: with others it would be the configuration. */
export function lostAccess({ recorded, spec, declared }: Subject, error: EngineError): readonly FieldDiff[] {
  if (error.code !== 'dns_unauthorized' || typeof recorded?.status.verifiedAt !== 'string') return []
  const same = (field: string) => canonicalJson(recorded.spec[field] ?? null) === canonicalJson(spec[field] ?? null)
  if (declared && !(same('credentials') && same('providerType'))) return []
  return [diff('/status/credentials', 'accepted', 'refused')]
}

/** Zones that were there when the provider was recorded, are gone, and that certificates still need. */
export function lostZones(
  { recorded, address }: Subject,
  served: readonly string[],
  world: World,
): readonly FieldDiff[] {
  const known = recorded?.status.zones
  if (!Array.isArray(known)) return []
  const gone = known.map(String).filter(zone => !served.includes(zone))
  if (gone.length === 0) return []
  const names = challengedNames(world, address.slice(address.indexOf('/') + 1))
  return gone
    .filter(zone => names.some(name => isWithin(name, zone) && !served.some(other => isWithin(name, other))))
    .map(zone => diff(`/status/zones/${zone}`, 'served', 'gone'))
}

/** Names that certificates prove by DNS, through this provider or whichever fits. */
function challengedNames(world: World, provider: string): readonly string[] {
  return world.all('Certificate').flatMap(certificate => {
    const { account, challengeType, dnsProvider, domains = [] } = specOf<CertificateSpec>(certificate)
    if (certificate.going || account === undefined || challengeType !== 'dns-01') return []
    return dnsProvider === undefined || dnsProvider === provider ? domains.map(identifierOf) : []
  })
}

const isWithin = (name: string, zone: string): boolean => name === zone || name.endsWith(`.${zone}`)

function diff(path: string, before: Json, after: Json): FieldDiff {
  return { path, before, after, sensitive: false, forcesReplacement: false }
}
