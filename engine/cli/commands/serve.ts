import type { Config } from '../../../reconciler/config.ts'
import type { Context, Define } from '../context.ts'
import { interrupts } from '../interrupts.ts'
import { exit } from '../io.ts'
import { type LogLevel, stateUrl } from '../settings.ts'

interface Options {
  readonly config?: string
  readonly listen?: string
  readonly http01Listen?: string
  readonly resolver?: string
}

/** Read from the working folder when it is there and no other is named. */
const usualFile = 'reconciler.yaml'

export const define: Define = (command, action) => {
  command
    .option('--config <file>', `the service's configuration (default: ${usualFile}, where there is one)`)
    .option('--listen <host:port>', 'where to listen (default: 127.0.0.1:8080)')
    .option('--http-01-listen <host:port>', 'where http-01 challenges are answered (default: :80)')
    .option('--resolver <host:port>', 'whom to ask for the servers of a zone, instead of the system')
    .action(
      action((context, options: Options) => {
        // A service tells what it does unless it is asked not to.
        const isDefault = command.parent?.getOptionValueSource('logLevel') === 'default'
        return serve(context, options, isDefault ? 'info' : context.options.logLevel)
      }),
    )
}

async function serve(context: Context, options: Options, logLevel: LogLevel): Promise<number> {
  const { io, overrides } = context
  const [{ startService }, { parseListen }] = await Promise.all([
    import('../../../reconciler/server.ts'),
    import('../../../reconciler/config.ts'),
  ])
  const config = await configurationOf(options)
  const service = await startService({
    config: options.listen === undefined ? config : { ...config, listen: parseListen(options.listen) },
    state: context.options.state ?? config.state ?? stateUrl(context.options, io),
    env: io.env,
    logLevel,
    http01Listen: options.http01Listen,
    resolver: options.resolver,
    ...overrides,
  })
  io.stderr.write(`listening on ${service.url}\n`)
  const stopping = interrupts(io)
  try {
    await aborted(stopping.drain)
    const code = await Promise.race([
      service.stop().then(() => exit.done),
      aborted(stopping.abort).then(() => exit.interrupted),
    ])
    return code
  } finally {
    stopping.stop()
  }
}

async function configurationOf({ config }: Options): Promise<Config> {
  const { emptyConfig, loadConfig } = await import('../../../reconciler/config.ts')
  const { existsSync } = await import('node:fs')
  if (config !== undefined || existsSync(usualFile)) return loadConfig(config ?? usualFile)
  return emptyConfig(process.cwd())
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}
