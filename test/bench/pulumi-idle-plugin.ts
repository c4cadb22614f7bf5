/**
 * A Pulumi plugin with the schema of ours whose resources do nothing: whatever is asked for is what there is. What a
 * preview takes with it is what Pulumi itself takes. With `TRUSTFORM_BENCH_OUTPUTS` a certificate has as many and as
 * long outputs as one of ours, which Pulumi reads, sends and logs.
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

/** Octets of each output of a P-256 certificate below an intermediate authority (measured 2026-11). */
const lengths = {
  ...{ certificatePem: 709, chainPem: 608, fullchainPem: 1317, rootPem: 604 },
  ...{ serialNumber: 34, notBefore: 24, notAfter: 24, renewAt: 24, sha256Fingerprint: 64 },
}

function addOutputs(properties: struct.Struct): void {
  const fields = properties.getFieldsMap()
  for (const [name, length] of Object.entries(lengths)) {
    const text = `${'M'.repeat(64)}\n`.repeat(Math.ceil(length / 65)).slice(0, length)
    fields.set(name, new struct.Value().setStringValue(text))
  }
  // The defaults that ours fills in.
  for (const [name, value] of Object.entries({ autoRenew: true, reuseKey: false }))
    fields.set(name, new struct.Value().setBoolValue(value))
}

const resources = {
  check: unary((request: pb.CheckRequest) => {
    const inputs = request.getNews() ?? new struct.Struct()
    const name = inputs.getFieldsMap()
    // Others stand on it.
    if (!name.has('name')) name.set('name', new struct.Value().setStringValue(nameOf(request.getUrn())))
    return new pb.CheckResponse().setInputs(inputs)
  }),
  diff: unary(unchanged),
  create: unary((request: pb.CreateRequest) => {
    const properties = request.getProperties() ?? new struct.Struct()
    if (process.env.TRUSTFORM_BENCH_OUTPUTS) addOutputs(properties)
    return new pb.CreateResponse().setId(nameOf(request.getUrn())).setProperties(properties)
  }),
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
