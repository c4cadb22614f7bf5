import { readFile } from 'node:fs/promises'
import { EngineError, type MadePlan } from '../../index.ts'
import { configurationOf } from '../configuration.ts'
import type { Context, Define } from '../context.ts'
import {
  planOptions,
  type RunningOptions,
  runningOf,
  withChallenges,
  withManifests,
  withoutFile,
  withRunning,
  withSafety,
  withSelection,
} from '../planning.ts'
import { type Running, runPlan } from '../run-plan.ts'

export const define: Define = (command, action) => {
  command.argument('[planfile]', 'a plan that `plan --out` saved; exactly its operations are run')
  withRunning(withManifests(command), { asks: true })
    .option('--offline', 'plan without asking anything outside')
    .option('--adopt', 'take over resources that another door owns')
  withChallenges(withSafety(withSelection(command))).action(action(apply))
}

async function apply(context: Context, planFile: string | undefined, options: RunningOptions): Promise<number> {
  return runPlan(context, {
    operation: 'apply',
    ...runningOf(options, 'Apply these changes?'),
    reviewed: planFile !== undefined,
    make: await maker(context, planFile, options),
  })
}

/** Reads everything that needs no lease first, so that a mistake is told at once. */
async function maker(
  context: Context,
  planFile: string | undefined,
  options: RunningOptions,
): Promise<Running['make']> {
  if (planFile === undefined) {
    if (options.file === undefined) throw withoutFile('apply')
    const configuration = await configurationOf(options.file, context)
    return (engine, signal) => engine.plan({ ...planOptions(options), configuration, signal })
  }
  const given = [
    ...(options.file ? ['-f'] : []),
    ...(options.target ? ['--target'] : []),
    ...(options.exclude ? ['--exclude'] : []),
    ...(options.allow ? ['--allow'] : []),
    ...(options.adopt ? ['--adopt'] : []),
    ...(options.offline ? ['--offline'] : []),
  ]
  if (given.length > 0) {
    throw new EngineError('usage', `a saved plan is applied exactly as it is; ${given.join(', ')} cannot change it`, {
      remedy: 'give these to `trustform plan --out` instead',
    })
  }
  const text = await readPlanFile(planFile)
  return (engine): Promise<MadePlan> => engine.openPlan(text, planFile)
}

async function readPlanFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new EngineError('input_unreadable', `the plan file ${path} cannot be read`, {
      remedy: 'name a file that `trustform plan --out FILE` wrote; manifests are named with -f',
      cause,
    })
  }
}
