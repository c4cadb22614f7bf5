import type { Command } from 'commander'
import { type Configuration, EngineError, type EngineOptions, type PlanOptions, type Snapshot } from '../index.ts'

/** Options that the commands which plan have in common. */
export interface PlanningOptions {
  readonly file?: readonly string[]
  readonly target?: readonly string[]
  readonly exclude?: readonly string[]
  readonly allow?: readonly string[]
  readonly adopt?: boolean
  readonly offline?: boolean
  readonly resolver?: string
  readonly http01Listen?: string
}

/** Options that the commands which run a plan have in common. */
export interface RunningOptions extends PlanningOptions {
  readonly yes?: boolean
  readonly json?: boolean
  readonly parallelism?: number
}

/** `--yes` only where something may be asked. */
export function withRunning(command: Command, { asks }: { readonly asks: boolean }): Command {
  if (asks) command.option('--yes', 'do not ask')
  return command
    .option('--json', 'print {summary, done, failed, skipped, interrupted}')
    .option('--parallelism <n>', 'operations at the same time (default: 10)', parallelism)
}

/** What `runPlan` is told by the options alone. */
export function runningOf({ json, yes, ...options }: RunningOptions, question?: string) {
  return {
    question: yes ? undefined : question,
    json: json ?? false,
    parallelism: options.parallelism,
    network: networkOf(options),
  }
}

export function withManifests(command: Command): Command {
  return command.option('-f, --file <path...>', 'manifests: files and folders; a later one overlays the earlier ones')
}

export function withSelection(command: Command): Command {
  return command
    .option('--target <address>', 'only this and what it depends on (repeatable)', collected)
    .option('--exclude <address>', 'all but this and what depends on it (repeatable)', collected)
}

export function withSafety(command: Command): Command {
  return command.option('--allow <address>', 'allow to delete or replace this, or all-deletes (repeatable)', collected)
}

export function withNetwork(command: Command): Command {
  return command.option('--resolver <host:port>', "DNS resolver for discovery; the system's when absent")
}

export function withChallenges(command: Command): Command {
  return withNetwork(command).option('--http-01-listen <host:port>', 'where http-01 challenges are answered', ':80')
}

/** Collects the values of an option that may be repeated; unlike a list it takes no word that follows. */
function collected(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

/** The part of the plan's options that the command line says. */
export function planOptions(options: PlanningOptions): PlanOptions {
  return {
    targets: options.target ?? [],
    excludes: options.exclude ?? [],
    allow: options.allow ?? [],
    adopt: options.adopt ?? false,
    offline: options.offline ?? false,
  }
}

export function networkOf({ resolver, http01Listen }: PlanningOptions): NonNullable<EngineOptions['network']> {
  return { ...(resolver !== undefined && { resolver }), ...(http01Listen !== undefined && { http01Listen }) }
}

/**
 * What `destroy` asks the planner for: everything of this owner, or what a configuration declares. Throws `not_found`
 * when nothing of it is recorded, because no target at all would mean everything.
 */
export function destroying(
  configuration: Configuration | undefined,
  { resources }: Snapshot,
  options: PlanningOptions,
): PlanOptions {
  const chosen = { ...planOptions(options), mode: 'destroy' as const }
  if (!configuration || options.target) return chosen
  const recorded = new Set(resources.map(({ address }) => address))
  const targets = configuration.resources.map(({ address }) => address).filter(address => recorded.has(address))
  if (targets.length > 0) return { ...chosen, targets }
  throw new EngineError('not_found', 'nothing that this configuration declares is recorded', {
    remedy: '`trustform list` shows what exists; check --state and --tenant',
  })
}

/** A command that needs manifests was called without any. */
export function withoutFile(command: string): EngineError {
  return new EngineError('usage', `${command} needs -f`, {
    remedy: `name the manifests: trustform ${command} -f PATH`,
  })
}

/** Reads `--parallelism`. */
function parallelism(text: string): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= 1 && number <= 1000) return number
  throw new EngineError('usage', `--parallelism ${text} is not a number from 1 to 1000`, {
    remedy: 'use for example 10',
  })
}
