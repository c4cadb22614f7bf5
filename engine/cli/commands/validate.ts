import {
  type Diagnostic,
  fileSystem,
  formatGithub,
  formatJson,
  formatSarif,
  formatText,
  loadConfiguration,
} from '../../index.ts'
import type { Context, Define } from '../context.ts'
import { exit, type Io } from '../io.ts'
import { colored } from '../settings.ts'

const formats: Readonly<Record<string, (diagnostics: readonly Diagnostic[]) => string>> = {
  json: formatJson,
  sarif: formatSarif,
  github: formatGithub,
}

interface Options {
  readonly file: readonly string[]
  readonly format?: string
}

export const define: Define = (command, action) => {
  command
    .requiredOption('-f, --file <path...>', 'manifests: files and folders; a later one overlays the earlier ones')
    .addOption(
      command
        .createOption('--format <format>', 'text (on stderr), or json, sarif, github (on stdout)')
        .choices(['text', ...Object.keys(formats)])
        .default('text'),
    )
    .action(action((context, options: Options) => validate(options, context.io, context.color)))
}

/** `validate -f PATH…` without the general reading of the command line. */
export function quickly(options: Options, io: Io): Promise<number> {
  const painted = (output: Io['stdout']) => colored(output, { color: true }, io)
  return validate(options, io, { stdout: painted(io.stdout), stderr: painted(io.stderr) })
}

async function validate({ file, format = 'text' }: Options, io: Io, color: Context['color']): Promise<number> {
  const { configuration, diagnostics } = await loadConfiguration(file, fileSystem)
  const machine = formats[format]
  if (machine) io.stdout.write(machine(diagnostics))
  else if (diagnostics.length > 0) io.stderr.write(formatText(diagnostics, { color: color.stderr }))
  if (!machine) io.stdout.write(verdict(configuration?.resources.length, diagnostics))
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
