import { type AloneOptions, type DesiredResource, EngineError } from '../../engine/index.ts'
import type { CallContext, ConfiguredProvider, Made, Properties, ResourceName } from '../ports.ts'
import { keepsAuthority } from './authority.ts'
import { allUnknown, foreseen, isAnother } from './foreseen.ts'
import { addressIn, declared } from './inputs.ts'
import { changeOf, refuseBlocked, tellFindings, tellReason } from './judged.ts'
import { computed, outputNames } from './outputs.ts'
import type { Parts } from './parts.ts'
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
  parts: Parts,
  { kind, urn }: ResourceName,
  inputs: Properties,
  context: CallContext,
): Promise<Made> {
  const { program, backend } = parts
  const resource = await declared(kind, inputs)
  const asked = mayBeTrue(inputs.exportPrivateKey)
  if (addressIn(kind, inputs) === undefined) {
    return { id: '', outputs: { ...inputs, ...allUnknown(kind, outputNames(kind, asked)) } }
  }
  const { address } = resource
  const engine = await backend(urn)
  const question = questionOf(parts, urn, resource, inputs, context)
  const { document } = await engine.plan({ ...question, beside: program.previewed })
  const change = changeOf(document, address)
  refuseBlocked(document, change, context)
  tellFindings(document, address, context)
  tellReason(change, context)
  program.preview(resource)
  const look = isAnother(change) ? undefined : await engine.look({ address }, { outside: false })
  const known = look ? await computed(look, asked) : {}
  const foresight = { known, document, keepsAuthority: await keepsAuthority(engine, program, change) }
  return {
    id: look?.resource.id ?? '',
    outputs: { ...inputs, ...foreseen(change, inputs, foresight) },
  }
}

async function make(
  parts: Parts,
  { kind, urn }: ResourceName,
  inputs: Properties,
  context: CallContext,
  id?: string,
): Promise<Made> {
  const { program, backend } = parts
  program.begin()
  const resource = await declared(kind, inputs)
  const { address } = resource
  const other = program.claim(address, urn)
  if (other !== undefined) throw declaredTwice(address, other)
  const engine = await backend(urn)
  const question = questionOf(parts, urn, resource, inputs, context)
  if (id !== undefined) await refuseAnother(id, async () => changeOf((await engine.plan(question)).document, address))
  const document = await engine.apply(question, toldTo(context, address))
  tellFindings(document, address, context)
  const look = await engine.look({ address }, { outside: false })
  if (!look) throw new EngineError('state_conflict', `${address} was removed by somebody else at once`, { address })
  program.create(urn, look.resource.id)
  const outputs = { ...inputs, ...(await computed(look, isTrue(inputs.exportPrivateKey))) }
  const refreshing = (await refreshesBeforeUpdate(engine, look)) && { refreshBeforeUpdate: true }
  return { id: look.resource.id, outputs, ...refreshing }
}

/** What the CLI replaces becomes another object, also where its fields do not ask for it. */
function questionOf(
  { settings, program }: Parts,
  urn: string,
  resource: DesiredResource,
  inputs: Properties,
  { signal }: CallContext,
): AloneOptions {
  const anew = program.replacedId(urn)
  return {
    address: resource.address,
    resource,
    adopt: settings.adopt || isTrue(inputs.adopt),
    allow: isTrue(inputs.allowDestroy),
    ...(anew !== undefined && { anew }),
    signal,
  }
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
