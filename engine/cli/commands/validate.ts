import { type Diagnostic, type DiagnosticFormat, formatDiagnostics, loadConfiguration } from '../../index.ts'
import type { Context, Define } from '../context.ts'
import { exit, type Io } from '../io.ts'
import { colored } from '../settings.ts'

const formats = ['text', 'json', 'sarif', 'github'] as const satisfies readonly DiagnosticFormat[]

interface Options {
  readonly file: readonly string[]
  readonly format?: DiagnosticFormat
}

export const define: Define = (command, action) => {
  command
    .requiredOption('-f, --file <path...>', 'manifests: files and folders; a later one overlays the earlier ones')
    .addOption(
      command
        .createOption('--format <format>', 'text (on stderr), or json, sarif, github (on stdout)')
        .choices(formats)
        .default('text'),
    )
    .action(action((context, options: Options) => validate(options, context.io, context.color)))
}

/** `validate -f PATH…` without the general reading of the command line. */
export function quickly(options: Options, io: Io): Promise<number> {
  return validate(options, io, {
    get stderr() {
      return colored(io.stderr, { color: true }, io)
    },
  })
}

async function validate(
  { file, format = 'text' }: Options,
  io: Io,
  color: Pick<Context['color'], 'stderr'>,
): Promise<number> {
  const { configuration, diagnostics } = await loadConfiguration(file)
  if (format !== 'text') {
    io.stdout.write(await formatDiagnostics(diagnostics, format))
  } else {
    if (diagnostics.length > 0) io.stderr.write(await formatDiagnostics(diagnostics, 'text', { color: color.stderr }))
    io.stdout.write(verdict(configuration?.resources.length, diagnostics))
  }
  return configuration ? exit.done : exit.error
}

function verdict(resources: number | undefined, diagnostics: readonly Diagnostic[]): string {
  const count = (severity: Diagnostic['severity']) => diagnostics.filter(each => each.severity === severity).length
  const warnings = count('warning') > 0 ? `, ${counted(count('warning'), 'warning')}` : ''
  if (resources === undefined) return `invalid: ${counted(count('error'), 'error')}${warnings}\n`
  return `valid: ${counted(resources, 'resource')}${warnings}\n`
}

function counted(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`
}
