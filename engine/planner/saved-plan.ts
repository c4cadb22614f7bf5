import { canonicalJson } from '../core/canonical-json.ts'
import { EngineError } from '../core/errors.ts'
import { isJsonObject, type Json } from '../core/json.ts'
import { Secret } from '../core/secret.ts'
import type { Plan, PlannedOperation } from './plan.ts'

/** Keyed functions of the state that a plan was made on; another state's key does not verify. */
export interface PlanSigner {
  sign(octets: Uint8Array): string
  verify(octets: Uint8Array, signature: string): boolean
  /** A literal secret travels encrypted. */
  seal(plaintext: Uint8Array): string
  unseal(sealed: string): Uint8Array
}

interface SavedPlan {
  readonly trustformPlan: 1
  readonly plan: Plan
  readonly signature: string
}

/** The text of a plan file. It binds lineage, revisions, operations and secret fingerprints under one keyed MAC. */
export function encodePlan(plan: Plan, signer: PlanSigner): string {
  const portable = { ...plan, operations: plan.operations.map(operation => sealLiterals(operation, signer)) }
  // A plan is JSON by construction; interfaces lack the index signature that says so.
  const body = portable as unknown as Json
  const saved = { trustformPlan: 1, plan: body, signature: signer.sign(octetsOf(body)) }
  return `${JSON.stringify(saved, null, 1)}\n`
}

/** Reads a plan file back. Throws `plan_tampered` for anything that this state's key did not sign. */
export function decodePlan(text: string, signer: PlanSigner, file: string): Plan {
  const saved = parse(text, file)
  if (!signer.verify(octetsOf(saved.plan as unknown as Json), saved.signature)) {
    throw new EngineError('plan_tampered', `${file} was changed after it was saved, or was made on another state`, {
      remedy: 'plan again with --out against this state',
    })
  }
  return { ...saved.plan, operations: saved.plan.operations.map(operation => unsealLiterals(operation, signer)) }
}

/** Refuses a plan whose ground has moved. Renewals elsewhere do not touch these revisions. */
export function assertFresh(
  plan: Plan,
  state: { readonly lineage: string; readonly revisionOf: (address: string) => number | undefined },
): void {
  // A plan on a state that nobody had written yet has no lineage; its revisions say whether it still fits.
  if (plan.document.lineage !== '' && plan.document.lineage !== state.lineage) {
    throw new EngineError('plan_stale', 'the plan was made on a state with another lineage', { remedy: 'plan again' })
  }
  const moved = Object.entries(plan.revisions)
    .filter(([address, revision]) => state.revisionOf(address) !== revision)
    .map(([address]) => address)
  const appeared = plan.operations
    .filter(({ expectedRevision, address }) => expectedRevision === null && state.revisionOf(address) !== undefined)
    .map(({ address }) => address)
  const stale = [...new Set([...moved, ...appeared])]
  if (stale.length === 0) return
  throw new EngineError('plan_stale', `the plan is stale: ${stale.join(', ')} changed since it was made`, {
    remedy: 'plan again and review the difference',
    details: { addresses: stale },
  })
}

function parse(text: string, file: string): SavedPlan {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new EngineError('plan_tampered', `${file} is not a plan file`, {
      remedy: 'make one with `trustform plan --out FILE`',
      cause,
    })
  }
  const known =
    isJsonObject(value) &&
    value.trustformPlan === 1 &&
    typeof value.signature === 'string' &&
    isJsonObject(value.plan) &&
    Array.isArray(value.plan.operations)
  if (!known) {
    throw new EngineError('plan_tampered', `${file} is not a plan file of this version`, {
      remedy: 'make one with `trustform plan --out FILE`',
    })
  }
  return value as unknown as SavedPlan // its shape is vouched for by the signature, checked next
}

function sealLiterals(operation: PlannedOperation, signer: PlanSigner) {
  const secrets = operation.secrets.map(({ pointer, reference }) =>
    'literal' in reference
      ? { pointer, reference: { sealed: signer.seal(Buffer.from(reference.literal.reveal(), 'utf8')) } }
      : { pointer, reference },
  )
  return { ...operation, secrets }
}

function unsealLiterals(operation: PlannedOperation, signer: PlanSigner): PlannedOperation {
  const secrets = operation.secrets.map(({ pointer, reference }) => {
    const sealed = (reference as { readonly sealed?: string }).sealed // written by sealLiterals
    if (sealed === undefined) return { pointer, reference }
    return { pointer, reference: { literal: new Secret(Buffer.from(signer.unseal(sealed)).toString('utf8')) } }
  })
  return { ...operation, secrets }
}

function octetsOf(body: Json): Uint8Array {
  return Buffer.from(canonicalJson(body), 'utf8')
}
