import grpc from '@grpc/grpc-js'
import pb from '@pulumi/pulumi/proto/provider_pb.js'
import empty from 'google-protobuf/google/protobuf/empty_pb.js'
import { expect, test } from 'vitest'
import { configure, serveBoxes } from '../fixtures/boxes.ts'
import { ask, procedures } from '../fixtures/pulumi-cli.ts'

const boxes = serveBoxes()

test('a handshake says what is understood', async () => {
  const response = await ask(boxes.client, procedures.handshake, new pb.ProviderHandshakeRequest())
  expect(response.toObject()).toMatchObject({
    acceptSecrets: true,
    acceptResources: true,
    acceptOutputs: true,
    supportsAutonamingConfiguration: true,
  })
})

test('version and schema', async () => {
  expect((await ask(boxes.client, procedures.getPluginInfo, new empty.Empty())).getVersion()).toBe('1.2.3')
  expect((await ask(boxes.client, procedures.getSchema, new pb.GetSchemaRequest())).getSchema()).toBe(
    '{"name":"trustform"}',
  )
})

test('it maps nothing of other tools', async () => {
  expect(
    (await ask(boxes.client, procedures.getMapping, new pb.GetMappingRequest().setKey('terraform'))).toObject(),
  ).toEqual({
    provider: '',
    data: '',
  })
  const mappings = await ask(boxes.client, procedures.getMappings, new pb.GetMappingsRequest().setKey('terraform'))
  expect(mappings.getProvidersList()).toEqual([])
})

test('what it does not do it says', async () => {
  const unimplemented = { code: grpc.status.UNIMPLEMENTED }
  await expect(ask(boxes.client, procedures.parameterize, new pb.ParameterizeRequest())).rejects.toMatchObject(
    unimplemented,
  )
  await expect(ask(boxes.client, procedures.construct, new pb.ConstructRequest())).rejects.toMatchObject(unimplemented)
  await expect(ask(boxes.client, procedures.call, new pb.CallRequest())).rejects.toMatchObject(unimplemented)
})

test('the provider is loaded with the first call that needs it, and once', async () => {
  await ask(boxes.client, procedures.handshake, new pb.ProviderHandshakeRequest())
  await ask(boxes.client, procedures.getSchema, new pb.GetSchemaRequest())
  expect(boxes.loaded).toBe(0)
  await Promise.all([configure(boxes), configure(boxes)])
  expect(boxes.loaded).toBe(1)
})
