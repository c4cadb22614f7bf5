import type { CertificateAuthoritySpec } from '../../../schemas/generated/types.ts'
import { formatDuration, parseDuration } from '../../core/duration.ts'
import { EngineError } from '../../core/errors.ts'
import { encodeSubject } from '../../x509/distinguished-name.ts'
import { parseKeySpec } from '../../x509/keys.ts'
import { normaliseNameConstraints } from '../../x509/name-constraints.ts'
import { authorityChain, plannedEnd, secondsAhead } from '../authority-chain.ts'
import type { Finding, Subject, World } from '../driver.ts'
import { specOf } from '../spec.ts'

/** All that can be known to go wrong with an authority before its key is made. */
export function checkAuthority(subject: Subject, world: World): readonly Finding[] {
  const spec = specOf<CertificateAuthoritySpec>(subject)
  const above = authorityChain(world.find('CertificateAuthority', spec.parent), world)
  return [
    ...refused('/spec/keyType', () => parseKeySpec(spec.keyType, spec.keySize)),
    ...refused('/spec/nameConstraints', () => normaliseNameConstraints(spec.nameConstraints ?? {})),
    ...renewsInsideItsLifetime(spec),
    ...endsBeforeItsIssuers(subject, spec, above, world.now),
    ...depthIsAllowed(spec, above),
    ...hasItsOwnSubject(spec, above),
  ]
}

/** An error of the X.509 core as a finding at a field. */
function refused(pointer: string, attempt: () => unknown): readonly Finding[] {
  try {
    attempt()
    return []
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    const { code, message, remedy = 'correct it' } = error
    return [{ check: 'authority', level: 'error', code, message, remedy, pointer }]
  }
}

function renewsInsideItsLifetime({ renewBefore, validity }: CertificateAuthoritySpec): readonly Finding[] {
  if (renewBefore === undefined || parseDuration(renewBefore) < parseDuration(validity)) return []
  return [
    {
      check: 'renewal',
      level: 'error',
      code: 'schema_violation',
      message: `renewBefore ${renewBefore} is not shorter than the validity ${validity}`,
      remedy: 'lower renewBefore; a third of the validity is usual',
      pointer: '/spec/renewBefore',
    },
  ]
}

function endsBeforeItsIssuers(
  subject: Subject,
  spec: CertificateAuthoritySpec,
  above: readonly Subject[],
  now: Date,
): readonly Finding[] {
  const validity = parseDuration(spec.validity)
  const needed = secondsAhead(subject, validity, now)
  const secondsLeft = (authority: Subject) => Math.floor((plannedEnd(authority, now).getTime() - now.getTime()) / 1000)
  const late = above.find(authority => secondsLeft(authority) <= 0 || secondsLeft(authority) < needed)
  if (!late) return []
  const left = Math.floor(secondsLeft(late) / 86_400)
  return [
    {
      check: 'validity',
      level: 'error',
      code: secondsLeft(late) <= 0 ? 'ca_expired' : 'validity_exceeds_issuer',
      message:
        secondsLeft(late) <= 0
          ? `${late.address} above it has expired`
          : `the validity ${formatDuration(validity)} goes beyond the end of ${late.address}`,
      remedy: left > 0 ? `lower validity to at most ${left}d, or renew ${late.address} first` : `renew ${late.address}`,
      pointer: '/spec/validity',
    },
  ]
}

/** RFC 5280 §4.2.1.9: a path length counts the authorities that may follow. */
function depthIsAllowed(spec: CertificateAuthoritySpec, above: readonly Subject[]): readonly Finding[] {
  const tooDeep = above.find((authority, between) => {
    const limit = specOf<CertificateAuthoritySpec>(authority).maxPathLength
    return limit !== undefined && between + 1 + (spec.maxPathLength ?? 0) > limit
  })
  if (!tooDeep) return []
  const limit = specOf<CertificateAuthoritySpec>(tooDeep).maxPathLength
  return [
    {
      check: 'path-length',
      level: 'error',
      code: 'ca_constraint_violation',
      message: `maxPathLength ${limit} of ${tooDeep.address} does not leave room for this authority${
        spec.maxPathLength === undefined ? '' : ` with maxPathLength ${spec.maxPathLength}`
      }`,
      remedy: 'raise it there, lower maxPathLength here, or choose a parent higher up',
      pointer: spec.maxPathLength === undefined ? '/spec/parent' : '/spec/maxPathLength',
    },
  ]
}

/** Verifiers would take it for a self-issued certificate and build the wrong path (RFC 5280 §3.2). */
function hasItsOwnSubject(spec: CertificateAuthoritySpec, above: readonly Subject[]): readonly Finding[] {
  const own = subjectOf(spec)
  const same = own && above.find(each => subjectOf(specOf<CertificateAuthoritySpec>(each))?.equals(own))
  if (!same) return []
  return [
    {
      check: 'subject',
      level: 'error',
      code: 'ca_constraint_violation',
      message: `its subject is that of ${same.address} above it`,
      remedy: 'give it another commonName',
      pointer: '/spec/commonName',
    },
  ]
}

/** Undefined for one that cannot be encoded, which signing refuses. */
function subjectOf({ commonName, subject }: CertificateAuthoritySpec): Buffer | undefined {
  try {
    return Buffer.from(encodeSubject({ ...subject, commonName }))
  } catch {
    return undefined
  }
}
