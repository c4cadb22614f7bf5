import type { IResourceProviderServer } from '@pulumi/pulumi/proto/provider_grpc_pb.js'
import pb from '@pulumi/pulumi/proto/provider_pb.js'
import empty from 'google-protobuf/google/protobuf/empty_pb.js'
import type { Made, Properties } from '../../ports.ts'
import { toCheckFailures } from '../check-failures.ts'
import { toDiffResponse } from '../difference.ts'
import type { Instances } from '../instances.ts'
import { resourceName } from '../resource-name.ts'
import { type Answering, unary } from '../unary.ts'
import { decodeProperties } from '../wire/decode.ts'
import { encodeProperties } from '../wire/encode.ts'

/** The life of a resource. */
export function resourceRpcs(answering: Answering, { use }: Instances) {
  return {
    check: unary(answering, about, (request: pb.CheckRequest, context) =>
      use(async provider => {
        const news = decodeProperties(request.getNews())
        const resource = { ...resourceName(request.getUrn()), ...autonamingOf(request) }
        const { inputs, failures } = await provider.check(resource, news, decodeProperties(request.getOlds()), context)
        return new pb.CheckResponse()
          .setInputs(encodeProperties(inputs))
          .setFailuresList(toCheckFailures(failures, { ...news, ...inputs }))
      }),
    ),
    diff: unary(answering, about, (request: pb.DiffRequest, context) =>
      use(async provider => {
        const states = {
          oldInputs: decodeProperties(request.getOldInputs()),
          oldOutputs: decodeProperties(request.getOlds()),
          inputs: decodeProperties(request.getNews()),
        }
        const ignored = ignoredOf(request.getIgnorechangesList(), states)
        const wanted = { id: request.getId(), ...states, ignored }
        return toDiffResponse(await provider.diff(resourceName(request.getUrn()), wanted, context))
      }),
    ),
    create: unary(answering, about, (request: pb.CreateRequest, context) =>
      use(async provider => {
        const wanted = { inputs: decodeProperties(request.getProperties()), preview: request.getPreview() }
        const made = await provider.create(resourceName(request.getUrn()), wanted, context)
        return filled(new pb.CreateResponse().setId(made.id), made)
      }),
    ),
    read: unary(answering, about, (request: pb.ReadRequest, context) =>
      use(async provider => {
        const known = {
          id: request.getId(),
          inputs: decodeProperties(request.getInputs()),
          outputs: decodeProperties(request.getProperties()),
        }
        const found = await provider.read(resourceName(request.getUrn()), known, context)
        // No id: the resource is gone.
        if (!found) return new pb.ReadResponse()
        return filled(new pb.ReadResponse().setId(found.id).setInputs(encodeProperties(found.inputs)), found)
      }),
    ),
    update: unary(answering, about, (request: pb.UpdateRequest, context) =>
      use(async provider => {
        const wanted = {
          id: request.getId(),
          oldInputs: decodeProperties(request.getOldInputs()),
          oldOutputs: decodeProperties(request.getOlds()),
          inputs: decodeProperties(request.getNews()),
          preview: request.getPreview(),
        }
        return filled(new pb.UpdateResponse(), await provider.update(resourceName(request.getUrn()), wanted, context))
      }),
    ),
    delete: unary(answering, about, (request: pb.DeleteRequest, context) =>
      use(async provider => {
        const recorded = {
          id: request.getId(),
          oldInputs: decodeProperties(request.getOldInputs()),
          outputs: decodeProperties(request.getProperties()),
        }
        await provider.delete(resourceName(request.getUrn()), recorded, context)
        return new empty.Empty()
      }),
    ),
  } satisfies Partial<IResourceProviderServer>
}

/** The urn, and the custom timeout where the request has one. */
const about = (request: { getUrn(): string; getTimeout?(): number }) => ({
  urn: request.getUrn(),
  timeout: request.getTimeout?.() ?? 0,
})

function filled<Response extends pb.CreateResponse | pb.ReadResponse | pb.UpdateResponse>(
  response: Response,
  { outputs, refreshBeforeUpdate = false }: Pick<Made, 'outputs' | 'refreshBeforeUpdate'>,
): Response {
  response.setProperties(encodeProperties(outputs))
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
