import type { CertificateSpec } from '../../../schemas/generated/types.ts'
import { revokeCertificate } from '../../acme/revocation.ts'
import { removeTxtRecords } from '../../acme/solvers/dns-01.ts'
import type { Address } from '../../core/address.ts'
import { type Candidate, patternCovers } from '../../dns/managed-zones.ts'
import { identifierOf } from '../../dns/names.ts'
import type { Driver, Operation, OperationContext, Outcome, Removal, Subject, World } from '../driver.ts'
import { specOf } from '../spec.ts'
import { checkCertificate } from './check.ts'
import { providerCandidates } from './check-account.ts'
import { decideCertificate, renewalTime } from './decide.ts'
import { fateOfCertificate } from './fate.ts'
import { issueFromAccount, openAccount } from './from-account.ts'
import { issueFromRole } from './from-role.ts'
import { observeCertificate } from './observe.ts'
import { dns01Options } from './solver.ts'

/** A certificate that is kept valid: a stable object with one version per serial. */
export const driver: Driver = {
  kind: 'Certificate',
  idPrefix: 'cert',
  guarded: false,
  requires: challengeProviders,
  surveys: ['DnsProvider'],
  check: checkCertificate,
  read: observeCertificate,
  decide: decideCertificate,
  renewalTime,
  fate: fateOfCertificate,
  create: issue,
  renew: issue,
  reissue: issue,
  update: async operation => ({ status: operation.recorded?.status ?? {} }),
  delete: retire,
  async abandon(_operation, context) {
    await removeTxtRecords(await dns01Options({}, context), context.signal)
  },
}

function issue(operation: Operation, context: OperationContext): Promise<Outcome> {
  const { account } = specOf<CertificateSpec>(operation)
  return account === undefined ? issueFromRole(operation, context) : issueFromAccount(operation, context)
}

/** The DNS providers that may answer its challenges have to be there before it is ordered. */
function challengeProviders(subject: Subject, world: World): readonly Address[] {
  const spec = specOf<CertificateSpec>(subject)
  if (spec.account === undefined || spec.challengeType !== 'dns-01' || spec.dnsProvider !== undefined) return []
  const identifiers = (spec.domains ?? []).map(identifierOf)
  const candidates = providerCandidates(world)
  const manages = ({ managedZones }: Candidate, name: string) =>
    managedZones.some(pattern => patternCovers(pattern, name))
  // A name that nobody manages may be delegated to any of them.
  const unmanaged = identifiers.every(name => !candidates.some(candidate => manages(candidate, name)))
  return candidates
    .filter(
      candidate =>
        unmanaged || candidate.managedZones.length === 0 || identifiers.some(name => manages(candidate, name)),
    )
    .map(({ address }) => address)
}

/** What becomes of the versions of a certificate that is no longer declared; the plan has said it. */
async function retire(operation: Operation, context: OperationContext): Promise<Removal> {
  const fate = operation.lifecycle.onDelete ?? 'retain'
  if (fate === 'retain') return {}
  const now = context.clock.now().toISOString()
  const versions = await context.certificates(operation.id)
  const live = versions.filter(version => version.revokedAt === undefined && version.notAfter > now)
  const reason = 'cessationOfOperation'
  if (specOf<CertificateSpec>(operation).account !== undefined) {
    const session = await openAccount(context, specOf<CertificateSpec>(operation))
    for (const version of live) await revokeCertificate({ account: session }, version.der, reason)
  }
  return {
    revocations: live.map(version => ({ certificateId: version.id, reason })),
    destroyKeys: fate === 'destroy' ? [...new Set(versions.flatMap(version => version.keyId ?? []))] : [],
  }
}
