import pb from '@pulumi/pulumi/proto/provider_pb.js'
import empty from 'google-protobuf/google/protobuf/empty_pb.js'
import type { Made, Properties } from '../../ports.ts'
import { toCheckFailures } from '../check-failures.ts'
import { toDiffResponse } from '../difference.ts'
import type { Instances } from '../instances.ts'
import { resourceName } from '../resource-name.ts'
import { type Answering, unary } from '../unary.ts'
import type { Carried } from '../wire/carried.ts'
import { readProperties } from '../wire/decode.ts'
import { writeProperties } from '../wire/encode.ts'
import type { lifeOfResources } from '../wire/procedures.ts'

/** The life of a resource. */
export function resourceRpcs(answering: Answering, { use }: Instances) {
  return {
    check: unary(answering, about, ({ message, structs }: Asked<'check'>, context) =>
      use(async (provider): Promise<Answered<'check'>> => {
        const news = readProperties(structs.news)
        const resource = { ...resourceName(message.getUrn()), ...autonamingOf(message) }
        const { inputs, failures } = await provider.check(resource, news, readProperties(structs.olds), context)
        const failed = toCheckFailures(failures, { ...news, ...inputs })
        return {
          message: new pb.CheckResponse().setFailuresList(failed),
          structs: { inputs: writeProperties(inputs) },
        }
      }),
    ),
    diff: unary(answering, about, ({ message, structs }: Asked<'diff'>, context) =>
      use(async (provider): Promise<Answered<'diff'>> => {
        const states = {
          oldInputs: readProperties(structs.oldInputs),
          oldOutputs: readProperties(structs.olds),
          inputs: readProperties(structs.news),
        }
        const ignored = ignoredOf(message.getIgnorechangesList(), states)
        const wanted = { id: message.getId(), ...states, ignored }
        const difference = await provider.diff(resourceName(message.getUrn()), wanted, context)
        return { message: toDiffResponse(difference), structs: {} }
      }),
    ),
    create: unary(answering, about, ({ message, structs }: Asked<'create'>, context) =>
      use(async (provider): Promise<Answered<'create'>> => {
        const wanted = { inputs: readProperties(structs.properties), preview: message.getPreview() }
        const made = await provider.create(resourceName(message.getUrn()), wanted, context)
        return { message: marked(new pb.CreateResponse().setId(made.id), made), structs: outputsOf(made) }
      }),
    ),
    read: unary(answering, about, ({ message, structs }: Asked<'read'>, context) =>
      use(async (provider): Promise<Answered<'read'>> => {
        const known = {
          id: message.getId(),
          inputs: readProperties(structs.inputs),
          outputs: readProperties(structs.properties),
        }
        const found = await provider.read(resourceName(message.getUrn()), known, context)
        // No id: the resource is gone.
        if (!found) return { message: new pb.ReadResponse(), structs: {} }
        return {
          message: marked(new pb.ReadResponse().setId(found.id), found),
          structs: { ...outputsOf(found), inputs: writeProperties(found.inputs) },
        }
      }),
    ),
    update: unary(answering, about, ({ message, structs }: Asked<'update'>, context) =>
      use(async (provider): Promise<Answered<'update'>> => {
        const wanted = {
          id: message.getId(),
          oldInputs: readProperties(structs.oldInputs),
          oldOutputs: readProperties(structs.olds),
          inputs: readProperties(structs.news),
          preview: message.getPreview(),
        }
        const made = await provider.update(resourceName(message.getUrn()), wanted, context)
        return { message: marked(new pb.UpdateResponse(), made), structs: outputsOf(made) }
      }),
    ),
    delete: unary(answering, about, ({ message, structs }: Asked<'delete'>, context) =>
      use(async (provider): Promise<Answered<'delete'>> => {
        const recorded = {
          id: message.getId(),
          oldInputs: readProperties(structs.oldInputs),
          outputs: readProperties(structs.properties),
        }
        await provider.delete(resourceName(message.getUrn()), recorded, context)
        return { message: new empty.Empty(), structs: {} }
      }),
    ),
  }
}

type Life = typeof lifeOfResources
type Asked<Verb extends keyof Life> = ReturnType<Life[Verb]['requestDeserialize']>
type Answered<Verb extends keyof Life> = ReturnType<Life[Verb]['responseDeserialize']>

/** The urn, and the custom timeout where the request has one. */
const about = ({ message }: Carried<{ getUrn(): string; getTimeout?(): number }, never>) => ({
  urn: message.getUrn(),
  timeout: message.getTimeout?.() ?? 0,
})

const outputsOf = ({ outputs }: Pick<Made, 'outputs'>) => ({ properties: writeProperties(outputs) })

function marked<Response extends pb.CreateResponse | pb.ReadResponse | pb.UpdateResponse>(
  response: Response,
  { refreshBeforeUpdate = false }: Pick<Made, 'refreshBeforeUpdate'>,
): Response {
  response.setRefreshBeforeUpdate(refreshBeforeUpdate)
  return response
}

const modes = ['propose', 'enforce', 'disable'] as const

function autonamingOf(request: pb.CheckRequest) {
  const options = request.getAutonaming()
  const mode = options && modes[options.getMode()]
  return mode === undefined ? {} : { autonaming: { mode, proposed: options?.getProposedName() ?? '' } }
}

/**
 * The whole properties among what `ignoreChanges` names. What lies deeper the engine put back into the new inputs by
 * itself, and to leave out all of its property would hide other changes.
 */
function ignoredOf(paths: readonly string[], states: Readonly<Record<string, Properties>>): readonly string[] {
  const names = new Set(Object.values(states).flatMap(Object.keys))
  return paths.includes('*') ? [...names] : paths.filter(path => names.has(path))
}
