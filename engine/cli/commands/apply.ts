import { readFile } from 'node:fs/promises'
import { EngineError, type MadePlan } from '../../index.ts'
import { configurationOf } from '../configuration.ts'
import type { Context, Define } from '../context.ts'
import {
  networkOf,
  type PlanningOptions,
  parallelism,
  planOptions,
  withChallenges,
  withoutFile,
  withSafety,
  withSelection,
} from '../planning.ts'
import { type Running, runPlan } from '../run-plan.ts'

interface Options extends PlanningOptions {
  readonly file?: readonly string[]
  readonly yes?: boolean
  readonly json?: boolean
  readonly parallelism?: number
}

export const define: Define = (command, action) => {
  command
    .argument('[planfile]', 'a plan that `plan --out` saved; exactly its operations are run')
    .option('-f, --file <path...>', 'manifests: files and folders; a later one overlays the earlier ones')
    .option('--yes', 'do not ask')
    .option('--json', 'print {summary, done, failed, skipped, interrupted}')
    .option('--parallelism <n>', 'operations at the same time (default: 10)', parallelism)
    .option('--offline', 'plan without asking anything outside')
    .option('--adopt', 'take over resources that another door owns')
  withChallenges(withSafety(withSelection(command))).action(action(apply))
}

async function apply(context: Context, planFile: string | undefined, options: Options): Promise<number> {
  return runPlan(context, {
    operation: 'apply',
    question: options.yes ? undefined : 'Apply these changes?',
    json: options.json ?? false,
    reviewed: planFile !== undefined,
    parallelism: options.parallelism,
    network: networkOf(options),
    make: await maker(context, planFile, options),
  })
}

/** Reads everything that needs no lease first, so that a mistake is told at once. */
async function maker(context: Context, planFile: string | undefined, options: Options): Promise<Running['make']> {
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
