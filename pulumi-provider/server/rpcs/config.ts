import type { IResourceProviderServer } from '@pulumi/pulumi/proto/provider_grpc_pb.js'
import pb from '@pulumi/pulumi/proto/provider_pb.js'
import type { ProviderFactory } from '../../ports.ts'
import { toUnnamedFailures } from '../check-failures.ts'
import { toDiffResponse } from '../difference.ts'
import type { Instances } from '../instances.ts'
import { type Answering, unary } from '../unary.ts'
import { decodeProperties } from '../wire/decode.ts'
import { encodeProperties } from '../wire/encode.ts'

/** The provider's own configuration. */
export function configRpcs(answering: Answering, factory: () => Promise<ProviderFactory>, instances: Instances) {
  return {
    checkConfig: unary(answering, urnOf, async (request: pb.CheckRequest) => {
      const { inputs, failures } = (await factory()).checkConfig(decodeProperties(request.getNews()))
      // The engine sends plain values here and keeps the marks of secrets to itself.
      return new pb.CheckResponse().setInputs(encodeProperties(inputs)).setFailuresList(toUnnamedFailures(failures))
    }),
    diffConfig: unary(answering, urnOf, async (request: pb.DiffRequest) => {
      const old = request.getOldInputs() ?? request.getOlds()
      return toDiffResponse((await factory()).diffConfig(decodeProperties(old), decodeProperties(request.getNews())))
    }),
    configure: unary(answering, urnOf, async (request: pb.ConfigureRequest) => {
      await instances.configure(decodeProperties(request.getArgs()))
      return new pb.ConfigureResponse()
        .setAcceptsecrets(true)
        .setAcceptresources(true)
        .setAcceptoutputs(true)
        .setSupportspreview(true)
        .setSupportsAutonamingConfiguration(true)
    }),
  } satisfies Partial<IResourceProviderServer>
}

const urnOf = (request: { getUrn(): string | undefined }) => {
  const urn = request.getUrn()
  return urn ? { urn } : {}
}
