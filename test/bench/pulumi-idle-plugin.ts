/**
 * A Pulumi plugin with the schema of ours whose resources do nothing: whatever is asked for is what there is. What a
 * preview takes with it is what Pulumi itself takes.
 */
import grpc from '@grpc/grpc-js'
import plugin from '@pulumi/pulumi/proto/plugin_pb.js'
import rpc, { type IResourceProviderServer } from '@pulumi/pulumi/proto/provider_grpc_pb.js'
import pb from '@pulumi/pulumi/proto/provider_pb.js'
import empty from 'google-protobuf/google/protobuf/empty_pb.js'
import struct from 'google-protobuf/google/protobuf/struct_pb.js'
import manifest from '../../package.json' with { type: 'json' }

type Answer<Request, Response> = (request: Request) => Response | Promise<Response>

function unary<Request, Response>(answer: Answer<Request, Response>): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => void Promise.resolve(answer(call.request)).then(made => callback(null, made), callback)
}

const nothing = () => new empty.Empty()
const unchanged = () => new pb.DiffResponse().setChanges(pb.DiffResponse.DiffChanges.DIFF_NONE)
const nameOf = (urn: string) => urn.slice(urn.lastIndexOf('::') + 2)

const resources = {
  check: unary((request: pb.CheckRequest) => {
    const inputs = request.getNews() ?? new struct.Struct()
    const name = inputs.getFieldsMap()
    // Others stand on it.
    if (!name.has('name')) name.set('name', new struct.Value().setStringValue(nameOf(request.getUrn())))
    return new pb.CheckResponse().setInputs(inputs)
  }),
  diff: unary(unchanged),
  create: unary((request: pb.CreateRequest) =>
    new pb.CreateResponse().setId(nameOf(request.getUrn())).setProperties(request.getProperties()),
  ),
  read: unary((request: pb.ReadRequest) =>
    new pb.ReadResponse().setId(request.getId()).setInputs(request.getInputs()).setProperties(request.getProperties()),
  ),
  update: unary((request: pb.UpdateRequest) => new pb.UpdateResponse().setProperties(request.getNews())),
  delete: unary(nothing),
} satisfies Partial<IResourceProviderServer>

const server = new grpc.Server()
server.addService(rpc.ResourceProviderService, {
  ...resources,
  handshake: unary(() =>
    new pb.ProviderHandshakeResponse().setAcceptSecrets(true).setAcceptResources(true).setAcceptOutputs(true),
  ),
  getPluginInfo: unary(() => new plugin.PluginInfo().setVersion(manifest.version)),
  getSchema: unary(async () => {
    const { pulumiSchema } = await import('../../pulumi-provider/schema/package.ts')
    return new pb.GetSchemaResponse().setSchema(JSON.stringify(pulumiSchema(manifest.version)))
  }),
  checkConfig: unary((request: pb.CheckRequest) => new pb.CheckResponse().setInputs(request.getNews())),
  diffConfig: unary(unchanged),
  configure: unary(() =>
    new pb.ConfigureResponse()
      .setAcceptsecrets(true)
      .setAcceptresources(true)
      .setAcceptoutputs(true)
      .setSupportspreview(true),
  ),
  cancel: unary(nothing),
})
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error
  process.stdout.write(`${port}\n`)
})
const end = () => {
  server.forceShutdown()
  process.exit(0)
}
process.on('SIGINT', end).on('SIGTERM', end)
