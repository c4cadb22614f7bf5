import type { IResourceProviderServer } from '@pulumi/pulumi/proto/provider_grpc_pb.js'
import pb from '@pulumi/pulumi/proto/provider_pb.js'
import empty from 'google-protobuf/google/protobuf/empty_pb.js'
import { toCheckFailures } from '../check-failures.ts'
import type { Instances } from '../instances.ts'
import { type Answering, unary } from '../unary.ts'
import { decodeProperties } from '../wire/decode.ts'
import { encodeProperties } from '../wire/encode.ts'

/** Functions of the package, and the end of an update before its time. */
export function functionRpcs(answering: Answering, { use }: Instances) {
  const none = () => ({})
  return {
    invoke: unary(answering, none, (request: pb.InvokeRequest, context) =>
      use(async provider => {
        const args = decodeProperties(request.getArgs())
        const { outputs, failures } = await provider.invoke(request.getTok(), args, context)
        return new pb.InvokeResponse()
          .setReturn(encodeProperties(outputs))
          .setFailuresList(toCheckFailures(failures, args))
      }),
    ),
    cancel: unary(answering, none, () => {
      answering.calls.abort()
      return new empty.Empty()
    }),
  } satisfies Partial<IResourceProviderServer>
}
