import { Command, CommanderError, Option } from 'commander'
import manifest from '../../package.json' with { type: 'json' }
import { EngineError } from '../index.ts'
import { commands } from './commands.ts'
import type { Action, Context } from './context.ts'
import { exit, type Io, type Overrides } from './io.ts'
import { report } from './report.ts'
import { colored, type GlobalOptions, logLevels } from './settings.ts'

/** Reads the command line and runs its command; every failure is reported on stderr. */
export async function runProgram(argv: readonly string[], io: Io, overrides: Overrides): Promise<number> {
  let code: number = exit.done
  const program = createProgram(io)
  const action: Action =
    work =>
    async (...given) => {
      code = await work(contextOf(program.opts<GlobalOptions>(), io, overrides), ...given)
    }
  const called = calledCommand(program, argv)
  try {
    for (const { name, summary, load } of commands) {
      const command = program.command(name).description(summary)
      if (name === called) (await load()).define(command, action)
    }
    await program.parseAsync([...argv], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exit.done
    const color = colored(io.stderr, { color: !argv.includes('--no-color') }, io)
    return report(error instanceof CommanderError ? usageError(error, called) : error, io, color)
  }
}

function createProgram(io: Io): Command {
  return new Command('trustform')
    .description('Certificates as code: declare, plan, apply, and keep them true.')
    .option('--state <url>', 'where the state is (TRUSTFORM_STATE, else sqlite:.trustform/state.db)')
    .option('--tenant <name>', 'whose state', 'default')
    .option('--no-color', 'no colour (also NO_COLOR)')
    .addOption(new Option('--log-level <level>', 'what to tell on stderr').choices(logLevels).default('warn'))
    .option('--no-input', 'never ask; fail instead')
    .version(manifest.version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({
      writeOut: text => void io.stdout.write(text),
      // Commander's own words are reported like every other error.
      writeErr: text => void (text.startsWith('Usage:') && io.stderr.write(text)),
      outputError: () => {},
      getOutHelpWidth: () => 100,
      getErrHelpWidth: () => 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
}

/** The first word that is neither an option nor the value of a global one. */
function calledCommand(program: Command, argv: readonly string[]): string | undefined {
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? ''
    if (!word.startsWith('-')) return word
    const option = program.options.find(({ long, short }) => word === long || word === short)
    if (option?.required) at++
  }
  return undefined
}

function contextOf(options: GlobalOptions, io: Io, overrides: Overrides): Context {
  const color = { stdout: colored(io.stdout, options, io), stderr: colored(io.stderr, options, io) }
  return { io, overrides, options, color }
}

/** Commands that read manifests and nothing else. */
const readers: ReadonlySet<string> = new Set(['plan', 'validate', 'render', 'graph', 'destroy'])

/** `error: unknown command 'aply'\n(Did you mean apply?)` in the form of our own errors. */
function usageError({ message, code }: CommanderError, called: string | undefined): unknown {
  if (code === 'commander.help') return undefined
  const [what = '', suggestion] = message.split('\n')
  const meant = /\(Did you mean (?:one of )?(.+)\?\)/.exec(suggestion ?? '')?.[1]
  if (code === 'commander.excessArguments' && called !== undefined && readers.has(called)) {
    return new EngineError('usage', `${called} takes its manifests by -f`, {
      remedy: `write trustform ${called} -f PATH`,
    })
  }
  const known = commands.some(({ name }) => name === called)
  return new EngineError('usage', what.replace(/^error: /, '').replaceAll("'", '"'), {
    remedy: meant ? `did you mean "${meant}"?` : `see \`trustform${known ? ` ${called}` : ''} --help\``,
  })
}
