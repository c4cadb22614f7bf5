import type { AcmeAccountSpec, CertificateSpec } from '../../../schemas/generated/types.ts'
import { connect } from '../../acme/connect.ts'
import { fetchRenewalInfo } from '../../acme/renewal-info.ts'
import type { JsonObject } from '../../core/json.ts'
import { followAliases } from '../../dns/alias.ts'
import { matchProvider } from '../../dns/managed-zones.ts'
import { challengeName, identifierOf } from '../../dns/names.ts'
import { dnsReach } from '../../dns/reach.ts'
import type { FieldDiff, Observation, ReadContext, Subject, World } from '../driver.ts'
import { specOf } from '../spec.ts'
import { providerCandidates } from './check-account.ts'
import { revokedAtCa } from './revocation.ts'

/**
 * Asks the CA when it would like a renewal (RFC 9773) and whether it revoked the certificate, and DNS where delegated
 * challenges lead. Our own CAs need not be asked: what they revoke is in the state.
 */
export async function observeCertificate(
  subject: Subject,
  world: World,
  context: ReadContext,
): Promise<Observation | undefined> {
  const spec = specOf<CertificateSpec>(subject)
  if (spec.account === undefined) return undefined
  const [window, delegations, revokedAt] = await Promise.all([
    suggestedWindow(subject, world, context),
    delegatedNames(spec, world, context),
    revocationOf(subject, world, context),
  ])
  const facts = { ...(window && { window }), ...(delegations && { delegations }), ...(revokedAt && { revokedAt }) }
  return { exists: revokedAt === undefined, facts, drift: revokedAt === undefined ? [] : [revokedDiff], findings: [] }
}

const revokedDiff: FieldDiff = {
  ...{ path: '/status/status', before: 'valid', after: 'revoked' },
  ...{ sensitive: false, forcesReplacement: false },
}

/** ISO instant; of the version that is in use now. */
async function revocationOf({ recorded }: Subject, world: World, context: ReadContext): Promise<string | undefined> {
  const row = recorded && (await context.certificate(recorded.id))
  if (!row || row.id !== recorded.status.certificateId) return undefined
  return (await revokedAtCa(row, world, context))?.toISOString()
}

/** Without an answer the window that was recorded at issue, or the lifetime, decides; that is no failure. */
async function suggestedWindow(
  { recorded, spec }: Subject,
  world: World,
  context: ReadContext,
): Promise<JsonObject | undefined> {
  const { ariId, directoryUrl } = recorded?.status ?? {}
  const { account, autoRenew } = specOf<CertificateSpec>({ spec })
  const server = world.find('AcmeAccount', account)
  if (typeof ariId !== 'string' || !server || !autoRenew) return undefined
  const choice = specOf<AcmeAccountSpec>(server)
  try {
    const connected = connect(choice, context)
    if (connected.directoryUrl !== directoryUrl) return undefined
    const info = await fetchRenewalInfo(connected, ariId)
    return info && { start: info.window.start.toISOString(), end: info.window.end.toISOString() }
  } catch (error) {
    context.log.debug('acme: no renewal information', { ariId, error: String(error) })
    return undefined
  }
}

/** Where the challenge names of identifiers lead that no provider manages by itself: a CNAME may delegate them. */
async function delegatedNames(
  spec: CertificateSpec,
  world: World,
  { network, signal, log }: ReadContext,
): Promise<JsonObject | undefined> {
  if (spec.challengeType !== 'dns-01' || spec.dnsProvider !== undefined) return undefined
  const candidates = providerCandidates(world)
  const identifiers = [...new Set((spec.domains ?? []).map(identifierOf))]
  const unmatched = identifiers.filter(name => 'mismatches' in matchProvider(candidates, [name]))
  if (unmatched.length === 0) return undefined
  const { transport, ...reach } = dnsReach(network)
  const resolver = reach.resolver(signal)
  const found: Record<string, string> = {}
  for (const identifier of unmatched) {
    try {
      const target = await followAliases(challengeName(identifier), { transport, resolver, signal })
      if (target.chain.length > 1) found[identifier] = target.fqdn
    } catch (error) {
      log.debug('dns: could not look for a delegation', { identifier, error: String(error) })
    }
  }
  return found
}
