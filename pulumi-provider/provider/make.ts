import { type AloneOptions, EngineError } from '../../engine/index.ts'
import type { CallContext, ConfiguredProvider, Made, Properties, ResourceName } from '../ports.ts'
import { keepsAuthority } from './authority.ts'
import { allUnknown, foreseen, isAnother } from './foreseen.ts'
import { addressIn, declared } from './inputs.ts'
import { changeOf, refuseBlocked, tellFindings, tellReason } from './judged.ts'
import { computed, outputNames, show } from './outputs.ts'
import type { Parts } from './parts.ts'
import type { Program } from './program.ts'
import { refreshesBeforeUpdate } from './refresh.ts'
import { toldTo } from './told.ts'
import { isTrue, mayBeTrue } from './values.ts'

/**
 * Creating and updating are one thing: to make it so. A name that is recorded already is brought to what is declared,
 * so that a run that died after the engine's commit and before Pulumi's goes on.
 */
export function createVerbs(parts: Parts): Pick<ConfiguredProvider, 'create' | 'update'> {
  return {
    create: (resource, { inputs, preview }, context) =>
      preview ? foresee(parts, resource, inputs, context) : make(parts, resource, inputs, context),
    async update(resource, { id, inputs, preview }, context) {
      const made = preview
        ? await foresee(parts, resource, inputs, context)
        : await make(parts, resource, inputs, context, id)
      return { ...made, id }
    },
  }
}

async function foresee(
  { settings, program, backend }: Parts,
  { kind, urn }: ResourceName,
  inputs: Properties,
  context: CallContext,
): Promise<Made> {
  const resource = await declared(kind, inputs)
  const asked = mayBeTrue(inputs.exportPrivateKey)
  if (addressIn(kind, inputs) === undefined) {
    return { id: '', outputs: { ...inputs, ...allUnknown(kind, outputNames(kind, asked)) } }
  }
  const { address } = resource
  const engine = await backend(urn)
  const { document } = await engine.plan({
    address,
    resource,
    beside: program.previewed,
    adopt: settings.adopt || isTrue(inputs.adopt),
    allow: isTrue(inputs.allowDestroy),
    ...replacing(program, urn),
    signal: context.signal,
  })
  const change = changeOf(document, address)
  refuseBlocked(document, change, context)
  tellFindings(document, address, context)
  tellReason(change, context)
  program.preview(resource)
  const shown = isAnother(change) ? undefined : await show(engine, { address }, { outside: false })
  const known = shown ? await computed(shown, asked) : {}
  const foresight = { known, document, keepsAuthority: await keepsAuthority(engine, program, change) }
  return {
    id: shown?.look.resource.id ?? '',
    outputs: { ...inputs, ...foreseen(change, inputs, foresight) },
  }
}

async function make(
  { settings, program, backend }: Parts,
  { kind, urn }: ResourceName,
  inputs: Properties,
  context: CallContext,
  id?: string,
): Promise<Made> {
  program.begin()
  const resource = await declared(kind, inputs)
  const { address } = resource
  const other = program.claim(address, urn)
  if (other !== undefined) throw declaredTwice(address, other)
  const engine = await backend(urn)
  const question = {
    address,
    resource,
    adopt: settings.adopt || isTrue(inputs.adopt),
    allow: isTrue(inputs.allowDestroy),
    ...replacing(program, urn),
    signal: context.signal,
  }
  if (id !== undefined) await refuseAnother(id, async () => changeOf((await engine.plan(question)).document, address))
  const document = await engine.apply(question, toldTo(context, address))
  tellFindings(document, address, context)
  const shown = await show(engine, { address }, { outside: false })
  if (!shown) throw new EngineError('state_conflict', `${address} was removed by somebody else at once`, { address })
  program.create(urn, shown.look.resource.id)
  const outputs = { ...inputs, ...(await computed(shown, isTrue(inputs.exportPrivateKey))) }
  const refreshing = refreshesBeforeUpdate(engine, shown) && { refreshBeforeUpdate: true }
  return { id: shown.look.resource.id, outputs, ...refreshing }
}

/** What the CLI replaces becomes another object, also where its fields do not ask for it. */
function replacing(program: Program, urn: string): Pick<AloneOptions, 'anew'> {
  const id = program.replacedId(urn)
  return id === undefined ? {} : { anew: id }
}

/** An update cannot tell Pulumi of a new id. */
async function refuseAnother(id: string, change: () => Promise<Parameters<typeof isAnother>[0] & { address: string }>) {
  const { address, action } = await change()
  if (!isAnother({ action })) return
  throw new EngineError(
    'state_conflict',
    `${address} (${id}) has changed since it was compared: it has to be made anew`,
    {
      address,
      remedy: 'run `pulumi up` again',
    },
  )
}

function declaredTwice(address: string, other: string): EngineError {
  return new EngineError('duplicate_resource', `${address} is declared twice: also by ${other}`, {
    address,
    remedy: 'give one of them another name',
  })
}
