import type { CertificateSpec, RoleSpec } from '../../../schemas/generated/types.ts'
import { parseDuration } from '../../core/duration.ts'
import { EngineError } from '../../core/errors.ts'
import { newId } from '../../core/ids.ts'
import { exportPrivateKey, generateKey, importPrivateKey, spkiOf } from '../../x509/keys.ts'
import { policyViolations } from '../../x509/role-policy.ts'
import { serialSource } from '../../x509/serials.ts'
import { fittingValidity, openAuthority } from '../authority.ts'
import type { NewCertificate, Operation, OperationContext, Outcome } from '../driver.ts'
import { specOf } from '../spec.ts'
import { policyOf } from './check-role.ts'
import { type CertificateRequest, requestOf, ttlOf } from './request.ts'

/** A new version signed by our own authority under a role. It has no effect outside, so it needs no journal. */
export async function issueFromRole(operation: Operation, context: OperationContext): Promise<Outcome> {
  const spec = specOf<CertificateSpec>(operation)
  const { role, template, issuer, issuerId, nextSerial } = await openRole(context, spec)
  const request = requestOf(spec, role)
  const ttl = ttlOf(spec, role)
  assertAllowed(role, request, ttl, operation.address)

  const key = request.csr ? undefined : await keyFor(operation, context, request)
  const validity = fittingValidity(issuer, ttl, context.clock.now(), parseDuration(role.maxTtl))
  const { der, serialHex: serial } = await template.issue({
    spki: request.csr?.spki ?? key?.spki ?? new Uint8Array(),
    commonName: request.commonName,
    names: request.names,
    serial: nextSerial(),
    ...validity,
  })
  const id = newId('crt', context.random)
  const [notBefore, notAfter] = [validity.notBefore.toISOString(), validity.notAfter.toISOString()]
  return {
    status: { certificateId: id, issuerId, serial, notBefore, notAfter },
    certificates: [
      {
        id,
        objectId: operation.id,
        issuerId,
        serial,
        notBefore,
        notAfter,
        der,
        chain: [],
        ...(key && { key: key.holding }),
      },
    ],
  }
}

/** A role with its authority's pre-encoded template, once per run. */
async function openRole(context: OperationContext, spec: CertificateSpec) {
  const resource = await context.open('Role', spec.role)
  const role = specOf<RoleSpec>(resource)
  const { resource: authority, issuer } = await openAuthority(context, role.ca)
  return context.memo(
    `role ${resource.id} ${resource.revision} ${String(authority.status.certificateId)}`,
    async () => ({
      role,
      issuer,
      issuerId: authority.id,
      template: issuer.template({ extendedKeyUsages: role.extendedKeyUsages, maxTtl: parseDuration(role.maxTtl) }),
      nextSerial: serialSource(context.random),
    }),
  )
}

/** The role may have changed between plan and apply; nothing is issued against its present rule. */
function assertAllowed(role: RoleSpec, request: CertificateRequest, ttl: number, address: string): void {
  const { commonName, names, key } = request
  const [violation] = policyViolations(policyOf(role), {
    names,
    key,
    ttl,
    ...(commonName !== undefined && { commonName }),
  })
  if (!violation) return
  throw new EngineError('role_violation', violation.message, { address, remedy: violation.remedy })
}

/** A new key for each version, unless the spec wants to keep it and it still has the right form. */
async function keyFor(
  operation: Operation,
  context: OperationContext,
  request: CertificateRequest,
): Promise<{ readonly spki: Uint8Array; readonly holding: NonNullable<NewCertificate['key']> }> {
  const keptId = await reusableKeyId(operation, context)
  if (keptId !== undefined) {
    const kept = await context.unseal(keptId)
    if (kept) return { spki: spkiOf(importPrivateKey(kept)), holding: { keyId: keptId } }
  }
  const key = await generateKey(request.key)
  return { spki: spkiOf(key), holding: { privateKey: exportPrivateKey(key) } }
}

/** The sealed key of the current version when this one is to keep it. */
export async function reusableKeyId(operation: Operation, context: OperationContext): Promise<string | undefined> {
  if (operation.action !== 'renew' || !specOf<CertificateSpec>(operation).reuseKey) return undefined
  const current = operation.recorded?.status.certificateId
  return (await context.certificates(operation.id)).find(row => row.id === current)?.keyId
}
