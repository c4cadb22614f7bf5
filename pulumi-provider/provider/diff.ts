import { type Address, type AloneOptions, DiagnosticsError, EngineError } from '../../engine/index.ts'
import type { Backend } from '../backend/backend.ts'
import type { CallContext, ConfiguredProvider, FieldDifference, Properties } from '../ports.ts'
import { topLevel } from '../property-path.ts'
import { guardedKinds, kindOutputs } from '../schema/outputs.ts'
import { changed, changedOutput, differences } from './differences.ts'
import { isAnother } from './foreseen.ts'
import { addressIn, declared, wishesOf } from './inputs.ts'
import { changeOf, tellFindings } from './judged.ts'
import { outdated } from './outdated.ts'
import type { Parts } from './parts.ts'
import { isSame, isTrue } from './values.ts'

/** What the driver would do, as differences of properties. */
export function createDiff(parts: Parts): ConfiguredProvider['diff'] {
  const { settings, program, backend } = parts
  return async ({ kind, urn }, { id, oldInputs, oldOutputs, inputs, ignored }, context) => {
    program.compare(urn, id)
    const fields = new Map<string, FieldDifference>()
    const answer = () => {
      for (const path of [...fields.keys()]) if (ignored.includes(topLevel(path))) fields.delete(path)
      return { fields }
    }
    for (const wish of wishesOf(kind)) {
      if (wish !== 'adopt' && isTrue(inputs[wish]) !== isTrue(oldInputs[wish])) fields.set(wish, changed)
    }
    const address = addressIn(kind, inputs)
    const former = formerAddress(kind, oldInputs, oldOutputs)
    if (address === undefined || address !== former) {
      if (address && former) await refuseToLeave(parts, former, { urn, oldInputs, inputs, signal: context.signal })
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
    const planned = await engine.plan(question)
    const { document, recorded } = planned
    const change = changeOf(document, address)
    // Gone, or another one since: Pulumi can take note of a new id only by a replacement.
    const isOther = recorded?.id !== id || change.action === 'create'
    if (!isOther) for (const [path, field] of differences(change, { oldInputs, inputs, adopt })) fields.set(path, field)
    if (!recorded) judgeGone(address, settings.state, kind, inputs, context)
    if (isOther || isAnother(change)) replaceBy(fields, kind)
    else if (fields.size === 0) {
      for (const [path, field] of await forgotten(engine, kind, question, { oldInputs, inputs, adopt }))
        fields.set(path, field)
      for (const name of await outdated(engine, planned, oldOutputs, context)) fields.set(name, changedOutput)
    }
    const result = answer()
    if (result.fields.size === 0) tellFindings(document, address, context)
    return result
  }
}

/**
 * The difference alone looks like any replacement, and a state that is merely elsewhere makes all of them. What needs a
 * word to be replaced needs it here too.
 */
function judgeGone(
  address: Address,
  state: string,
  kind: string,
  { allowDestroy }: Properties,
  { tell }: CallContext,
): void {
  const where = state.startsWith('sqlite:') ? `the state ${state}` : 'the state'
  const message = `${address} is not in ${where}, and would be made anew`
  if (guardedKinds.includes(kind) && !isTrue(allowDestroy)) {
    const remedy = 'correct trustform:state, or restore the state; if it is gone for good, set allowDestroy: true on it'
    throw new EngineError('plan_blocked', message, { address, remedy })
  }
  const remedy = 'if it should be there, do not run `pulumi up`: correct trustform:state, or restore the state'
  tell('warning', `${message}\n  remedy: ${remedy}`)
}

/**
 * What an earlier run did and the stack has no note of, because it died before that: the inputs that the stack remembers
 * are not those that are recorded.
 */
async function forgotten(
  engine: Backend,
  kind: string,
  question: AloneOptions,
  sides: Parameters<typeof differences>[1],
): Promise<ReadonlyMap<string, FieldDifference>> {
  const { oldInputs, inputs } = sides
  if (isSame(oldInputs, inputs)) return new Map()
  try {
    const resource = await declared(kind, oldInputs)
    const { document } = await engine.plan({ ...question, resource })
    return differences(changeOf(document, question.address), sides)
  } catch (error) {
    // Of another version of the plugin, or of references that are gone: nothing that could be compared.
    if (error instanceof DiagnosticsError || error instanceof EngineError) return new Map()
    throw error
  }
}

/** Another name is another object: refuses now what the deletion of the former one would be refused for in the end. */
async function refuseToLeave(
  { backend }: Parts,
  address: Address,
  {
    urn,
    oldInputs,
    inputs,
    signal,
  }: {
    readonly urn: string
    readonly oldInputs: Properties
    readonly inputs: Properties
    readonly signal: AbortSignal
  },
): Promise<void> {
  const allow = isTrue(oldInputs.allowDestroy) || isTrue(inputs.allowDestroy)
  const { document } = await (await backend(urn)).plan({ address, allow, signal })
  const blocked = document.changes.find(change => change.address === address)?.blocked
  // What another owns stays as it is.
  if (!blocked || blocked.code === 'owned_by') return
  const { code, message, remedy } = blocked
  throw new EngineError(code, `another name makes another object, and the one of now cannot go: ${message}`, {
    address,
    remedy,
  })
}

function formerAddress(kind: string, oldInputs: Properties, oldOutputs: Properties): Address | undefined {
  return addressIn(kind, oldOutputs) ?? addressIn(kind, oldInputs)
}

/** Without a field that says so by itself, what the new object will have of its own does. */
function replaceBy(fields: Map<string, FieldDifference>, kind: string): void {
  if ([...fields.values()].some(({ replaces }) => replaces)) return
  const own = Object.entries(kindOutputs[kind] ?? {}).find(([, { always }]) => always)?.[0] ?? 'name'
  fields.set(own, { kind: 'update', replaces: true, input: false })
}
