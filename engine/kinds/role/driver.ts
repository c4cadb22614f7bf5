import type { RoleSpec } from '../../../schemas/generated/types.ts'
import { formatDuration, parseDuration } from '../../core/duration.ts'
import type { Driver, Finding, Outcome } from '../driver.ts'
import { specOf } from '../spec.ts'

/** A role is a rule of ours alone: nothing outside knows it. */
export const driver: Driver = {
  kind: 'Role',
  idPrefix: 'role',
  guarded: false,
  check: subject => checks.flatMap(check => check(specOf<RoleSpec>(subject))),
  create: unchanged,
  update: unchanged,
  delete: async () => ({}),
}

async function unchanged(): Promise<Outcome> {
  return { status: {} }
}

type RoleCheck = (spec: RoleSpec) => readonly Finding[]

const checks: readonly RoleCheck[] = [
  function lifetimesAreInOrder({ defaultTtl, maxTtl }) {
    if (defaultTtl === undefined || parseDuration(defaultTtl) <= parseDuration(maxTtl)) return []
    const limit = formatDuration(parseDuration(maxTtl))
    return [
      {
        check: 'role-policy',
        level: 'error',
        code: 'role_violation',
        message: `defaultTtl ${defaultTtl} exceeds maxTtl ${limit}`,
        remedy: `lower defaultTtl to at most ${limit}, or raise maxTtl`,
        pointer: '/spec/defaultTtl',
      },
    ]
  },
  function allowsSomething({ allowedDomains, allowIpSans, allowedUris }) {
    if (allowedDomains.length > 0 || allowIpSans || allowedUris.length > 0) return []
    return [
      {
        check: 'role-policy',
        level: 'warning',
        code: 'role_violation',
        message: 'the role allows no name at all',
        remedy: 'add allowedDomains, allowIpSans or allowedUris',
        pointer: '/spec/allowedDomains',
      },
    ]
  },
]
