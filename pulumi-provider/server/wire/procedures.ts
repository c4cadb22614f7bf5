import rpc from '@pulumi/pulumi/proto/provider_grpc_pb.js'
import { carrying } from './carried.ts'

const { ResourceProviderService: generated } = rpc

/** The life of a resource, with properties in octets. Numbers as in provider.proto (verified 2026-11 with 3.270). */
export const lifeOfResources = {
  check: carrying(generated.check, { olds: 2, news: 3 }, { inputs: 1 }),
  diff: carrying(generated.diff, { olds: 3, news: 4, oldInputs: 6 }, {}),
  create: carrying(generated.create, { properties: 2 }, { properties: 2 }),
  read: carrying(generated.read, { properties: 3, inputs: 4 }, { properties: 2, inputs: 3 }),
  update: carrying(generated.update, { olds: 3, news: 4, oldInputs: 8 }, { properties: 1 }),
  delete: carrying(generated.delete, { properties: 3, oldInputs: 5 }, {}),
}

/** All procedures of the protocol. */
export const procedures = { ...generated, ...lifeOfResources }
