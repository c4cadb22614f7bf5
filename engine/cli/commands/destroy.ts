import { configurationOf } from '../configuration.ts'
import type { Define } from '../context.ts'
import {
  destroying,
  type RunningOptions,
  runningOf,
  withNetwork,
  withRunning,
  withSafety,
  withSelection,
} from '../planning.ts'
import { runPlan } from '../run-plan.ts'

export const define: Define = (command, action) => {
  withRunning(command.option('-f, --file <path...>', 'only what these manifests declare, and what stands on it'), {
    asks: true,
  })
  withNetwork(withSafety(withSelection(command))).action(
    action(async (context, options: RunningOptions) => {
      const configuration = options.file && (await configurationOf(options.file, context))
      return runPlan(context, {
        operation: 'destroy',
        ...runningOf(options, 'Remove all of this?'),
        make: async (engine, signal) =>
          engine.plan({ ...destroying(configuration, await engine.snapshot(), options), signal }),
      })
    }),
  )
}
