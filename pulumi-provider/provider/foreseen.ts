import type { Change, PlanDocument } from '../../engine/index.ts'
import { type Properties, SecretValue, unknown, type Value } from '../ports.ts'
import { kindOutputs } from '../schema/outputs.ts'
import { outputNames } from './outputs.ts'
import { bare, isTrue } from './values.ts'

/** Whether a change makes another object, with another id. */
export function isAnother({ action }: Pick<Change, 'action'>): boolean {
  return action === 'create' || action === 'replace'
}

/**
 * The computed properties as they will be after a change: what stays is told, so that nothing that stands on it looks
 * changed, and the rest is unknown.
 */
export function foreseen(change: Change, inputs: Properties, known: Properties, document: PlanDocument): Properties {
  const { kind } = change
  const isAsked = isTrue(inputs.exportPrivateKey)
  if (isAnother(change)) {
    const absent = ['revokedAt', ...(inputs.csr === undefined ? [] : ['privateKeyPem'])]
    return allUnknown(
      kind,
      outputNames(kind, isAsked).filter(name => !absent.includes(name)),
    )
  }
  const stays = staysAsItIs(change, inputs, document)
  const outputs: { [name: string]: Value } = {}
  for (const name of outputNames(kind, isAsked)) {
    if (!stays(name)) Object.assign(outputs, allUnknown(kind, [name]))
    else if (known[name] !== undefined) outputs[name] = known[name]
  }
  // A new version is not revoked.
  if (!stays('serialNumber')) delete outputs.revokedAt
  return outputs
}

export function allUnknown(kind: string, names: readonly string[]): Properties {
  const isSecret = (name: string) => kindOutputs[kind]?.[name]?.secret === true
  return Object.fromEntries(names.map(name => [name, isSecret(name) ? new SecretValue(unknown) : unknown]))
}

/** Which computed properties an update in place can change, by the fields that they follow from. */
const follows: Readonly<Record<string, readonly string[]>> = {
  renewAt: ['renewBefore', 'autoRenew'],
  zones: ['credentials', 'config'],
  fields: ['data'],
}

const ofIssuers: readonly string[] = ['chainPem', 'rootPem']

function staysAsItIs(change: Change, inputs: Properties, document: PlanDocument): (name: string) => boolean {
  const isVersion = change.action === 'renew' || change.action === 'reissue'
  if (!isVersion) return name => !touches(change, ...(follows[name] ?? []))
  const keepsIssuers =
    inputs.account === undefined &&
    change.reason !== 'dependency' &&
    !touches(change, 'role', 'parent') &&
    !issuersChange(change, document)
  const keepsKey =
    change.kind === 'CertificateAuthority' ||
    inputs.csr !== undefined ||
    (change.action === 'renew' && isTrue(inputs.reuseKey))
  const isRoot = bare(inputs.type) === 'root'
  return name => {
    // The root of a root is itself.
    if (name === 'rootPem' && isRoot) return false
    if (ofIssuers.includes(name)) return keepsIssuers
    return name === 'privateKeyPem' && keepsKey
  }
}

/** Whether an authority that was previewed before gets another certificate. */
function issuersChange(change: Change, { changes }: PlanDocument): boolean {
  return changes.some(
    ({ kind, address, action }) =>
      kind === 'CertificateAuthority' && address !== change.address && action !== 'no-op' && action !== 'update',
  )
}

function touches({ diffs }: Change, ...fields: readonly string[]): boolean {
  return diffs.some(({ path }) => fields.some(field => path === `/spec/${field}` || path.startsWith(`/spec/${field}/`)))
}
