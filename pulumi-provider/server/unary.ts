import type { handleUnaryCall } from '@grpc/grpc-js'
import type { CallContext } from '../ports.ts'
import type { CallOptions, Calls } from './calls.ts'
import type { EngineLog } from './engine-log.ts'
import { failureOf } from './grpc-status.ts'

/** What every remote procedure is answered with. */
export interface Answering {
  readonly calls: Calls
  readonly log: EngineLog
}

/** A remote procedure from a function that answers its request, or throws. */
export function unary<Request, Response>(
  { calls, log }: Answering,
  options: (request: Request) => CallOptions,
  answer: (request: Request, context: CallContext) => Promise<Response> | Response,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const onHangUp = (listener: () => void) => {
      call.on('cancelled', listener)
      return () => void call.off('cancelled', listener)
    }
    const of = options(call.request)
    void calls
      .run({ ...of, onHangUp }, async context => answer(call.request, context))
      .then(
        response => callback(null, response),
        async error => {
          const { code, message, trace } = failureOf(error)
          if (trace) await log.tell('debug', `${message}\n${trace}`, of.urn)
          callback({ code, details: message })
        },
      )
  }
}
