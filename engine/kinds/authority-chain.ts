import type { CertificateAuthoritySpec } from '../../schemas/generated/types.ts'
import { parseDuration } from '../core/duration.ts'
import type { NameConstraints } from '../x509/name-constraints.ts'
import { normaliseNameConstraints } from '../x509/name-constraints.ts'
import type { Subject, World } from './driver.ts'
import { specOf } from './spec.ts'

/** An authority and everything above it, nearest first. A cycle ends the walk; the planner reports it. */
export function authorityChain(authority: Subject | undefined, world: World): Subject[] {
  const chain: Subject[] = []
  for (let each = authority; each && !chain.includes(each); ) {
    chain.push(each)
    each = world.find('CertificateAuthority', specOf<CertificateAuthoritySpec>(each).parent)
  }
  return chain
}

/** When the authority's certificate will end once the plan is applied. */
export function plannedEnd(authority: Subject, now: Date): Date {
  const action = authority.planned?.action
  const notAfter = authority.recorded?.status.notAfter
  const staysAsItIs = action === undefined || action === 'no-op' || action === 'update' || action === 'delete'
  if (staysAsItIs && typeof notAfter === 'string') return new Date(notAfter)
  const { validity } = specOf<CertificateAuthoritySpec>(authority)
  return new Date(now.getTime() + parseDuration(validity) * 1000)
}

/** Name constraints of an authority and of everything above it. */
export function constraintsOf(chain: readonly Subject[]): NameConstraints[] {
  return chain.flatMap(authority => {
    const { nameConstraints } = specOf<CertificateAuthoritySpec>(authority)
    return nameConstraints ? [normaliseNameConstraints(nameConstraints)] : []
  })
}
