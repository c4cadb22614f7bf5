import { hasChanges, isBlocked, type PlanDocument, renderPlan } from '../../index.ts'
import { configurationOf } from '../configuration.ts'
import type { Context, Define } from '../context.ts'
import { interrupts } from '../interrupts.ts'
import { exit } from '../io.ts'
import { writePrivate } from '../output-file.ts'
import {
  destroying,
  networkOf,
  type PlanningOptions,
  planOptions,
  withManifests,
  withNetwork,
  withoutFile,
  withSafety,
  withSelection,
} from '../planning.ts'
import { withEngine } from '../with-engine.ts'

interface Options extends PlanningOptions {
  readonly out?: string
  readonly json?: boolean
  readonly format: 'text' | 'json' | 'markdown'
  readonly detailedExitcode?: boolean
  readonly destroy?: boolean
}

export const define: Define = (command, action) => {
  withManifests(command)
    .option('--out <file>', 'save the plan for `apply FILE`')
    .option('--json', 'print the plan document (the same as --format json)')
    .addOption(
      command
        .createOption('--format <format>', 'how to print the plan')
        .choices(['text', 'json', 'markdown'])
        .default('text'),
    )
    .option('--detailed-exitcode', 'exit with 2 when there are changes')
    .option('--offline', 'ask nothing outside and resolve no secret')
    .option('--destroy', 'plan the removal of what was applied')
    .option('--adopt', 'take over resources that another door owns')
  withNetwork(withSafety(withSelection(command))).action(action(plan))
}

async function plan(context: Context, options: Options): Promise<number> {
  const { io } = context
  if (options.file === undefined && !options.destroy) throw withoutFile('plan')
  const configuration = options.file && (await configurationOf(options.file, context))
  const stopping = interrupts(io)
  try {
    return await withEngine(
      context,
      async engine => {
        const { plan } = await engine.plan({
          ...(options.destroy
            ? destroying(configuration, await engine.snapshot(), options)
            : { ...planOptions(options), ...(configuration && { configuration }) }),
          signal: stopping.drain,
        })
        if (options.out !== undefined) await writePrivate(options.out, await engine.savePlan(plan))
        io.stdout.write(await printed(plan.document, options, context.color.stdout))
        return codeOf(plan.document, options.detailedExitcode ?? false)
      },
      { network: networkOf(options) },
    )
  } finally {
    stopping.stop()
  }
}

async function printed(document: PlanDocument, { json, format }: Options, color: boolean): Promise<string> {
  if (json || format === 'json') return `${JSON.stringify(document, null, 2)}\n`
  return renderPlan(document, format, { color })
}

function codeOf(document: PlanDocument, detailed: boolean): number {
  if (isBlocked(document)) return exit.blocked
  return detailed && hasChanges(document) ? exit.changes : exit.done
}
