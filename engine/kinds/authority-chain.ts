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

/** Whether the plan leaves a recorded certificate as it is. */
function staysAsItIs({ planned, recorded }: Subject): boolean {
  const action = planned?.action
  return recorded !== undefined && (action === undefined || ['no-op', 'update', 'delete'].includes(action))
}

/** When the authority's certificate will end once the plan is applied. */
export function plannedEnd(authority: Subject, now: Date): Date {
  const notAfter = authority.recorded?.status.notAfter
  if (staysAsItIs(authority) && typeof notAfter === 'string') return new Date(notAfter)
  const { validity } = specOf<CertificateAuthoritySpec>(authority)
  return new Date(now.getTime() + parseDuration(validity) * 1000)
}

/** For how many seconds from now issuers are needed: for a new certificate's lifetime, or for what is left of one. */
export function secondsAhead(subject: Subject, lifetime: number, now: Date): number {
  const notAfter = subject.recorded?.status.notAfter
  if (!staysAsItIs(subject) || typeof notAfter !== 'string') return lifetime
  return Math.floor((Date.parse(notAfter) - now.getTime()) / 1000)
}

const constraintsOfSpec = new WeakMap<object, NameConstraints>()

/** Name constraints of an authority and of everything above it. */
export function constraintsOf(chain: readonly Subject[]): NameConstraints[] {
  return chain.flatMap(authority => {
    const { nameConstraints } = specOf<CertificateAuthoritySpec>(authority)
    if (!nameConstraints) return []
    // Every certificate below asks, so each spec is read once.
    const normalised = constraintsOfSpec.get(nameConstraints) ?? normaliseNameConstraints(nameConstraints)
    constraintsOfSpec.set(nameConstraints, normalised)
    return [normalised]
  })
}
