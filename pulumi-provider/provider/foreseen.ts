import type { Change, PlanDocument } from '../../engine/index.ts'
import { type Properties, SecretValue, unknown, type Value } from '../ports.ts'
import { kindOutputs } from '../schema/outputs.ts'
import { outputNames } from './outputs.ts'
import { bare, isTrue, mayBeTrue } from './values.ts'

/** Whether a change makes another object, with another id. */
export function isAnother({ action }: Pick<Change, 'action'>): boolean {
  return action === 'create' || action === 'replace'
}

export interface Foresight {
  /** The computed properties as they are. */
  readonly known: Properties
  readonly document: PlanDocument
  /** Whether the same authority issues as before, also where the role is another one. */
  readonly keepsAuthority: boolean
}

/**
 * The computed properties as they will be after a change: what stays is told, so that nothing that stands on it looks
 * changed, and the rest is unknown.
 */
export function foreseen(
  change: Change,
  inputs: Properties,
  { known, document, keepsAuthority }: Foresight,
): Properties {
  const { kind } = change
  const isAsked = mayBeTrue(inputs.exportPrivateKey)
  if (isAnother(change)) {
    const absent = ['revokedAt', ...(inputs.csr === undefined ? [] : ['privateKeyPem'])]
    return allUnknown(
      kind,
      outputNames(kind, isAsked).filter(name => !absent.includes(name)),
    )
  }
  const stays = staysAsItIs(change, inputs, document, keepsAuthority)
  const outputs: { [name: string]: Value } = {}
  for (const name of outputNames(kind, isAsked)) {
    const data = name === 'fields' ? bare(inputs.data) : undefined
    if (typeof data === 'object' && data !== null) outputs[name] = Object.keys(data).toSorted()
    else if (!stays(name) || (name === 'privateKeyPem' && !isTrue(inputs.exportPrivateKey)))
      Object.assign(outputs, allUnknown(kind, [name]))
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

/** What changes with the authorities above. */
export const ofIssuers: readonly string[] = ['chainPem', 'fullchainPem', 'rootPem']

function staysAsItIs(
  change: Change,
  inputs: Properties,
  document: PlanDocument,
  keepsAuthority: boolean,
): (name: string) => boolean {
  const isVersion = change.action === 'renew' || change.action === 'reissue'
  if (!isVersion) {
    const isBelowAnother = issuersAreReplaced(document, change.address)
    return name => !(isBelowAnother && ofIssuers.includes(name)) && !touches(change, ...(follows[name] ?? []))
  }
  const keepsIssuers =
    inputs.account === undefined &&
    change.reason !== 'dependency' &&
    keepsAuthority &&
    !touches(change, 'parent') &&
    !issuersChange(document, change.address)
  const keepsKey =
    change.kind === 'CertificateAuthority' ||
    inputs.csr !== undefined ||
    (change.action === 'renew' && isTrue(inputs.reuseKey))
  const isRoot = bare(inputs.type) === 'root'
  return name => {
    // The root of a root is itself.
    if (name === 'rootPem' && isRoot) return false
    if (ofIssuers.includes(name)) return keepsIssuers && name !== 'fullchainPem'
    return name === 'privateKeyPem' && keepsKey
  }
}

/** Whether an authority that was previewed before becomes another one, with another key. */
export function issuersAreReplaced(document: PlanDocument, below: string): boolean {
  return authoritiesBeside(document, below).some(isAnother)
}

/** Whether an authority that was previewed before gets another certificate. */
function issuersChange(document: PlanDocument, below: string): boolean {
  return authoritiesBeside(document, below).some(({ action }) => action !== 'no-op' && action !== 'update')
}

function authoritiesBeside({ changes }: PlanDocument, below: string): readonly Change[] {
  return changes.filter(({ kind, address }) => kind === 'CertificateAuthority' && address !== below)
}

function touches({ diffs }: Change, ...fields: readonly string[]): boolean {
  return diffs.some(({ path }) => fields.some(field => path === `/spec/${field}` || path.startsWith(`/spec/${field}/`)))
}
