import { Console } from 'node:console'
import grpc from '@grpc/grpc-js'
import { failureOf } from '../grpc-status.ts'
import { type ServeOptions, serve } from '../serve.ts'
import { parseArguments } from './arguments.ts'
import { keepHeapSmall } from './heap.ts'
import { onOrphaned } from './watchdog.ts'

/** The plugin as a process: prints its port and serves until the CLI ends it, or is gone. */
export async function runPlugin(
  argv: readonly string[],
  options: Pick<ServeOptions, 'version' | 'factory' | 'schema'>,
): Promise<void> {
  keepHeapSmall()
  // The CLI reads the port from standard output, and takes anything before it for an error.
  globalThis.console = new Console(process.stderr, process.stderr)
  // What gRPC logs is told as an error already; who asks for more sets GRPC_VERBOSITY.
  if (!process.env.GRPC_VERBOSITY) grpc.setLogVerbosity(grpc.logVerbosity.NONE)
  // Also what this function rejects with. A bug's message may hold anything: only its place is told.
  process.on('uncaughtException', error => {
    const { message, trace } = failureOf(error)
    process.stderr.write(`error: ${message}\n${trace ? `${trace}\n` : ''}`)
    process.exit(1)
  })
  const { engineAddress, port, version } = parseArguments(argv)
  if (version) {
    process.stdout.write(`${options.version}\n`)
    return
  }

  const served = await serve({ ...options, engineAddress, port })
  let ending = false
  const end = () => {
    // Asked twice, somebody is waiting.
    if (ending) process.exit(1)
    ending = true
    void served.stop().finally(() => process.exit(0))
  }
  process.on('SIGINT', end).on('SIGTERM', end)
  if (engineAddress !== undefined) onOrphaned(end)
  process.stdout.write(`${served.port}\n`)
}
