import type { CertificateSpec, RoleSpec } from '../../../schemas/generated/types.ts'
import { EngineError } from '../../core/errors.ts'
import type { Finding, Subject, World } from '../driver.ts'
import { specOf } from '../spec.ts'
import { checkAgainstAccount } from './check-account.ts'
import { checkAgainstRole } from './check-role.ts'
import { type CertificateRequest, requestOf } from './request.ts'

/** All that can be known to go wrong with a certificate before anyone is asked for it. */
export function checkCertificate(subject: Subject, world: World): readonly Finding[] {
  const spec = specOf<CertificateSpec>(subject)
  const role = world.find('Role', spec.role)
  const roleSpec = role && specOf<RoleSpec>(role)
  let request: CertificateRequest
  try {
    request = requestOf(spec, roleSpec)
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    const { code, message, remedy = 'correct it' } = error
    return [{ check: 'names', level: 'error', code, message, remedy, pointer: pointerIn(spec, message) }]
  }
  if (roleSpec) return checkAgainstRole({ subject, spec, request, role: roleSpec }, world)
  // A role that does not exist is the planner's finding.
  return spec.account === undefined ? [] : checkAgainstAccount({ subject, spec, request }, world)
}

/** Where in the spec a name stands that a message quotes. */
function pointerIn(spec: CertificateSpec, message: string): string {
  const lists = { domains: spec.domains, ipAddresses: spec.ipAddresses, emails: spec.emails, uris: spec.uris }
  for (const [field, names] of Object.entries(lists)) {
    const index = names?.findIndex(name => message.includes(`"${name}"`)) ?? -1
    if (index >= 0) return `/spec/${field}/${index}`
  }
  return spec.csr === undefined ? '/spec' : '/spec/csr'
}
