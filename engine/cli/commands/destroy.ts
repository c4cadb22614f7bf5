import { configurationOf } from '../configuration.ts'
import type { Define } from '../context.ts'
import {
  destroying,
  networkOf,
  type PlanningOptions,
  parallelism,
  withNetwork,
  withSafety,
  withSelection,
} from '../planning.ts'
import { runPlan } from '../run-plan.ts'

interface Options extends PlanningOptions {
  readonly file?: readonly string[]
  readonly yes?: boolean
  readonly json?: boolean
  readonly parallelism?: number
}

export const define: Define = (command, action) => {
  command
    .option('-f, --file <path...>', 'only what these manifests declare, and what stands on it')
    .option('--yes', 'do not ask')
    .option('--json', 'print {summary, done, failed, skipped, interrupted}')
    .option('--parallelism <n>', 'operations at the same time (default: 10)', parallelism)
  withNetwork(withSafety(withSelection(command))).action(
    action(async (context, options: Options) => {
      const configuration = options.file && (await configurationOf(options.file, context))
      return runPlan(context, {
        operation: 'destroy',
        question: options.yes ? undefined : 'Remove all of this?',
        json: options.json ?? false,
        parallelism: options.parallelism,
        network: networkOf(options),
        make: async (engine, signal) =>
          engine.plan({ ...destroying(configuration, await engine.snapshot(), options), signal }),
      })
    }),
  )
}
