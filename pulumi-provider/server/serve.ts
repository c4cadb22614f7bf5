import grpc from '@grpc/grpc-js'
import { EngineError } from '../../engine/index.ts'
import type { CallContext, ProviderFactory } from '../ports.ts'
import { createCalls } from './calls.ts'
import { createEngineLog } from './engine-log.ts'
import { createInstances } from './instances.ts'
import { configRpcs } from './rpcs/config.ts'
import { functionRpcs } from './rpcs/functions.ts'
import { handshakeRpcs } from './rpcs/handshake.ts'
import { resourceRpcs } from './rpcs/resources.ts'
import { procedures } from './wire/procedures.ts'

export interface ServeOptions {
  /** Version of the plugin, and so of the schema. */
  readonly version: string
  /** Loaded with the first call that needs it, so that the start is not held up. `tell` is for what concerns no resource. */
  readonly factory: (tell: CallContext['tell']) => Promise<ProviderFactory>
  /** The package's schema as JSON text. */
  readonly schema: () => Promise<string>
  /** Of the CLI that started the process; none when a CLI attaches to it. */
  readonly engineAddress?: string | undefined
  /** 0 for a free one. */
  readonly port?: number
}

export interface Served {
  readonly port: number
  /** Aborts what runs, waits until it has written down how far it came, closes the providers and the port. */
  stop(): Promise<void>
}

/** Messages hold whole resources, and PEMs are long: the limit that the engine itself has. */
const longestMessage = 400 * 1024 * 1024

/** The CLI kills a plugin five seconds after it asked it to end (verified 2026-11 in plugin.go of 3.259). */
const endsWithin = 4000

/** Answers Pulumi's resource provider protocol on 127.0.0.1. What is not registered answers UNIMPLEMENTED. */
export async function serve(options: ServeOptions): Promise<Served> {
  const log = createEngineLog()
  log.connect(options.engineAddress ?? '')
  const calls = createCalls(log)
  const factory = once(() => options.factory((severity, message) => void log.tell(severity, message)))
  const instances = createInstances(factory)
  const answering = { calls, log }

  const server = new grpc.Server({
    'grpc.max_receive_message_length': longestMessage,
    'grpc.max_send_message_length': longestMessage,
    // Statistics of each call, which nobody asks for.
    'grpc.enable_channelz': 0,
  })
  server.addService(procedures, {
    ...handshakeRpcs(answering, instances, { version: options.version, schema: once(options.schema) }),
    ...configRpcs(answering, factory, instances),
    ...resourceRpcs(answering, instances),
    ...functionRpcs(answering, instances),
  })
  const port = await bind(server, options.port ?? 0)

  return {
    port,
    stop: once(async () => {
      calls.abort()
      await calls.idle(endsWithin)
      await instances.close()
      log.close()
      await shutDown(server)
    }),
  }
}

function bind(server: grpc.Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(cannotListen(port, error)) : resolve(bound),
    )
  })
}

const cannotListen = (port: number, cause: Error): EngineError =>
  new EngineError('listener_failed', `port ${port} of 127.0.0.1 cannot be listened on`, {
    remedy: 'choose another one, or end what listens there',
    cause,
  })

/** Lets the last answers out; a client that keeps its connection is cut off. */
async function shutDown(server: grpc.Server): Promise<void> {
  const closed = new Promise<void>(resolve => server.tryShutdown(() => resolve()))
  await Promise.race([closed, new Promise<void>(resolve => setTimeout(resolve, 300).unref())])
  server.forceShutdown()
}

/** The same answer for everybody; a failure is tried again. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make().catch(error => {
      made = undefined
      throw error
    })
    return made
  }
}
