import type { Address, Change, FieldDiff, RecordedResource } from '../../engine/index.ts'
import type { CallContext, ConfiguredProvider, FieldDifference, Properties } from '../ports.ts'
import { topLevel } from '../property-path.ts'
import { keyHoldingKinds, kindOutputs } from '../schema/outputs.ts'
import { isAnother } from './foreseen.ts'
import { addressIn, declared, wishesOf } from './inputs.ts'
import { changeOf, tellFindings } from './judged.ts'
import type { Parts } from './parts.ts'
import { propertyPath, propertyTokens } from './pointers.ts'
import { isSame, isTrue, textOf, valueAtTokens } from './values.ts'

/** What the driver would do, as differences of properties. */
export function createDiff({ settings, program, backend }: Parts): ConfiguredProvider['diff'] {
  return async ({ kind, urn }, { id, oldInputs, oldOutputs, inputs, ignored }, context) => {
    const fields = new Map<string, FieldDifference>()
    const answer = () => {
      for (const path of [...fields.keys()]) if (ignored.includes(topLevel(path))) fields.delete(path)
      return { fields }
    }
    for (const wish of wishesOf(kind)) {
      if (wish !== 'adopt' && isTrue(inputs[wish]) !== isTrue(oldInputs[wish])) fields.set(wish, changed)
    }
    const address = addressIn(kind, inputs)
    if (address === undefined || address !== formerAddress(kind, oldInputs, oldOutputs)) {
      for (const name of new Set([...Object.keys(oldInputs), ...Object.keys(inputs)])) {
        if (!isSame(oldInputs[name], inputs[name])) fields.set(name, changed)
      }
      fields.set('name', { kind: 'update', replaces: true, input: true })
      return answer()
    }
    const engine = await backend(urn)
    const adopt = settings.adopt || isTrue(inputs.adopt)
    const resource = await declared(kind, inputs)
    const question = { address, resource, adopt, beside: program.previewed, signal: context.signal }
    const { document, recorded } = await engine.plan(question)
    const change = changeOf(document, address)
    // Gone, or another one since: Pulumi can take note of a new id only by a replacement.
    const isOther = recorded?.id !== id || change.action === 'create'
    if (!isOther) for (const [path, field] of differences(change, { oldInputs, inputs, adopt })) fields.set(path, field)
    if (!recorded) tellGone(address, settings.state, context)
    if (isOther || isAnother(change)) replaceBy(fields, kind)
    else if (fields.size === 0 && recorded && isOutdated(recorded, oldOutputs)) {
      noteVersion(fields)
      context.tell('info', `${address}: was renewed elsewhere: what this stack knows of it is brought up to date`)
    }
    const result = answer()
    if (result.fields.size === 0) tellFindings(document, address, context)
    return result
  }
}

const changed: FieldDifference = { kind: 'update', replaces: false, input: true }

/** The difference alone looks like any replacement, and a state that is merely elsewhere makes all of them. */
function tellGone(address: Address, state: string, { tell }: CallContext): void {
  const where = state.startsWith('sqlite:') ? `the state ${state}` : 'the state'
  const remedy = 'if it should be there, do not run `pulumi up`: correct trustform:state, or restore the state'
  tell('warning', `${address} is not in ${where}, and would be made anew\n  remedy: ${remedy}`)
}

function formerAddress(kind: string, oldInputs: Properties, oldOutputs: Properties): Address | undefined {
  return addressIn(kind, oldOutputs) ?? addressIn(kind, oldInputs)
}

function differences(
  change: Change,
  {
    oldInputs,
    inputs,
    adopt,
  }: { readonly oldInputs: Properties; readonly inputs: Properties; readonly adopt: boolean },
): Map<string, FieldDifference> {
  const fields = new Map<string, FieldDifference>()
  for (const diff of change.diffs) {
    if (diff.path === '/owner') {
      // What another door owns is only looked at, until it is to be taken over.
      if (adopt) fields.set('adopt', changed)
      continue
    }
    const path = propertyPath(diff.path, inputs, oldInputs)
    const before = fields.get(path)
    const field = differenceOf(diff, oldInputs, inputs)
    // One item of a set went where another one came.
    fields.set(path, before ? { ...field, kind: 'update', replaces: before.replaces || field.replaces } : field)
  }
  const isVersion = change.action === 'renew' || change.action === 'reissue'
  if (isVersion && fields.size === 0) noteVersion(fields)
  return fields
}

/**
 * Somebody else renewed it since. Its issuers are not compared: those that the stack remembers are valid for as long as
 * the certificate, and come anew with the next one.
 */
function isOutdated({ kind, status }: RecordedResource, { serialNumber }: Properties): boolean {
  return keyHoldingKinds.includes(kind) && status.serial !== textOf(serialNumber)
}

/** Another version is another certificate. */
function noteVersion(fields: Map<string, FieldDifference>): void {
  for (const name of ['serialNumber', 'notAfter']) fields.set(name, { ...changed, input: false })
}

function differenceOf(
  { path, before, after, forcesReplacement }: FieldDiff,
  oldInputs: Properties,
  inputs: Properties,
): FieldDifference {
  const tokens = propertyTokens(path)
  return {
    kind: before === null ? 'add' : after === null ? 'delete' : 'update',
    replaces: forcesReplacement,
    // Otherwise the program is as it was, and what is recorded is not.
    input: !isSame(valueAtTokens(oldInputs, tokens), valueAtTokens(inputs, tokens)),
  }
}

/** Without a field that says so by itself, what the new object will have of its own does. */
function replaceBy(fields: Map<string, FieldDifference>, kind: string): void {
  if ([...fields.values()].some(({ replaces }) => replaces)) return
  const own = Object.entries(kindOutputs[kind] ?? {}).find(([, { always }]) => always)?.[0] ?? 'name'
  fields.set(own, { kind: 'update', replaces: true, input: false })
}
