import plugin from '@pulumi/pulumi/proto/plugin_pb.js'
import type { IResourceProviderServer } from '@pulumi/pulumi/proto/provider_grpc_pb.js'
import pb from '@pulumi/pulumi/proto/provider_pb.js'
import empty from 'google-protobuf/google/protobuf/empty_pb.js'
import type { Instances } from '../instances.ts'
import { type Answering, unary } from '../unary.ts'

/** Who this is, what it understands, and where the CLI can be told something. */
export function handshakeRpcs(
  answering: Answering,
  instances: Pick<Instances, 'attach'>,
  { version, schema }: { readonly version: string; readonly schema: () => Promise<string> },
) {
  const none = () => ({})
  const attach = (address: string) => {
    answering.log.connect(address)
    instances.attach(address)
  }
  return {
    handshake: unary(answering, none, (request: pb.ProviderHandshakeRequest) => {
      attach(request.getEngineAddress())
      // Who shakes hands supports previews too.
      return new pb.ProviderHandshakeResponse()
        .setAcceptSecrets(true)
        .setAcceptResources(true)
        .setAcceptOutputs(true)
        .setSupportsAutonamingConfiguration(true)
    }),
    attach: unary(answering, none, (request: plugin.PluginAttach) => {
      attach(request.getAddress())
      return new empty.Empty()
    }),
    getPluginInfo: unary(answering, none, () => new plugin.PluginInfo().setVersion(version)),
    getSchema: unary(answering, none, async () => new pb.GetSchemaResponse().setSchema(await schema())),
    // Nothing is translated from other tools' names.
    getMapping: unary(answering, none, () => new pb.GetMappingResponse()),
    getMappings: unary(answering, none, () => new pb.GetMappingsResponse()),
  } satisfies Partial<IResourceProviderServer>
}
