import { EngineError } from '../../../engine/index.ts'

/** How the CLI starts a plugin, and what a person may ask. */
export interface PluginArguments {
  /** The CLI's gRPC address; without one the process waits for a CLI to attach. */
  readonly engineAddress: string | undefined
  /** `--port`: a fixed one, for `PULUMI_DEBUG_PROVIDERS=trustform:PORT`. */
  readonly port: number
  /** `--version`: print it and end. */
  readonly version: boolean
}

/** Flags that are followed by a value of their own when it is not behind an equals sign. */
const withValue: ReadonlySet<string> = new Set(['--tracing', '--port'])

/**
 * `[--logtostderr] [-v=N] [--tracing ENDPOINT] ADDRESS` (verified 2026-11: `buildPluginArguments` in plugin.go of
 * 3.259). A flag that is not known is passed over: a later CLI may have more of them. Throws `usage` for what a person
 * got wrong.
 */
export function parseArguments(argv: readonly string[]): PluginArguments {
  const flags = new Map<string, string>()
  const positional: string[] = []
  for (let index = 0; index < argv.length; index++) {
    const [name = '', value] = splitOnce(argv[index] ?? '')
    if (!name.startsWith('-')) positional.push(argv[index] ?? '')
    else flags.set(name, value ?? (withValue.has(name) ? (argv[++index] ?? '') : ''))
  }
  return { engineAddress: positional[0], port: portOf(flags.get('--port') ?? '0'), version: flags.has('--version') }
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1
  if (port >= 0 && port < 65_536) return port
  throw new EngineError('usage', `--port takes a number up to 65535, not "${text}"`, {
    remedy: 'name a free port, such as --port 45555',
  })
}

function splitOnce(flag: string): [name: string, value?: string] {
  const at = flag.indexOf('=')
  return at < 0 ? [flag] : [flag.slice(0, at), flag.slice(at + 1)]
}
