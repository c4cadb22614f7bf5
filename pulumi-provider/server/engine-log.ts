import grpc from '@grpc/grpc-js'
import type { EngineClient } from '@pulumi/pulumi/proto/engine_grpc_pb.js'

const severities = { debug: 0, info: 1, warning: 2, error: 3 } as const

export type Severity = keyof typeof severities

/** The messages of the CLI that started this process, or attached to it. */
export interface EngineLog {
  /** The CLI's gRPC address; the latest one counts. */
  connect(address: string): void
  /** Resolves when the CLI has it, or cannot be told. Never rejects: a lost message fails nothing. */
  tell(severity: Severity, message: string, urn?: string): Promise<void>
  close(): void
}

/** Connects when there is something to tell. */
export function createEngineLog(): EngineLog {
  let address: string | undefined
  let client: Promise<EngineClient> | undefined
  const disconnect = () => {
    void client?.then(client => client.close())
    client = undefined
  }
  return {
    connect(next) {
      if (next === '' || next === address) return
      disconnect()
      address = next
    },
    async tell(severity, message, urn) {
      if (address === undefined) return
      client ??= open(address)
      const { default: pb } = await import('@pulumi/pulumi/proto/engine_pb.js')
      const request = new pb.LogRequest().setSeverity(severities[severity]).setMessage(message)
      if (urn !== undefined) request.setUrn(urn)
      const connected = await client
      await new Promise<void>(resolve => {
        // A CLI that is gone must not hold up the end of a call.
        connected.log(request, new grpc.Metadata(), { deadline: Date.now() + 2000 }, () => resolve())
      })
    },
    close: disconnect,
  }
}

async function open(address: string): Promise<EngineClient> {
  const { default: rpc } = await import('@pulumi/pulumi/proto/engine_grpc_pb.js')
  // It is on this machine: a proxy from the environment is for others.
  return new rpc.EngineClient(address, grpc.credentials.createInsecure(), { 'grpc.enable_http_proxy': 0 })
}
