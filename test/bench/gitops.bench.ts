/**
 * The reconciler as it runs for people: `bin/trustform serve` as a process of its own, a git server and Gitea on
 * loopback. What is timed is seen from outside, through the API or the forge, every 20 ms.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type GitServer, startGitServer } from '../servers/git.ts'
import { idle } from './gitops-idle.ts'
import { previews } from './gitops-previews.ts'
import {
  type BenchService,
  changedFile,
  commitTo,
  manifests,
  sourceOf,
  startBenchService,
  until,
  usageOf,
} from './gitops-world.ts'
import { median, rounded } from './measure.ts'
import type { BenchResult } from './result.ts'

export async function* run(): AsyncGenerator<BenchResult> {
  const git = await startGitServer()
  try {
    yield await webhooks(git)
    yield await polls(git)
    yield await previews()
    yield await unchanged(git)
    yield await idle(git)
  } finally {
    await git.stop()
  }
}

interface RunView {
  readonly id: string
  readonly trigger: string
  readonly state: string
  readonly commit: string
  readonly summary?: Readonly<Record<string, number>>
  readonly started_at: string
  readonly ended_at?: string
}

/** A repository of that many resources with a service that has applied it. */
async function applied(git: GitServer, name: string, resources: number, more: object = {}) {
  const repository = await git.create(`${name}.git`)
  const commit = await commitTo(repository, manifests(resources))
  const service = await startBenchService([sourceOf(name, repository, more)])
  const source = await until(
    () => service.source(name),
    view => view.applied_commit === commit,
    300,
  )
  return { repository, service, id: source.id }
}

async function webhooks(git: GitServer): Promise<BenchResult> {
  const rounds = 60
  const { repository, service, id } = await applied(git, 'webhook', 1000)
  try {
    const seconds: number[] = []
    for (let round = -3; round < rounds; round++) {
      const commit = await commitTo(repository, [changedFile(round + 4)])
      const start = performance.now()
      await service.deliver('webhook')
      const taken = await secondsUntilApplied(service, id, commit, start)
      await assertReissued(service, id, commit, 1000)
      if (round >= 0) seconds.push(taken)
    }
    const [p50, p99] = [quantile(seconds, 0.5), quantile(seconds, 0.99)]
    return {
      name: 'webhook to applied, one changed certificate of 1,000 resources',
      figures: { rounds, p50Seconds: rounded(p50, 3), p99Seconds: rounded(p99, 3) },
      gate: { want: 'p50 < 1 s, p99 < 3 s', met: p50 < 1 && p99 < 3 },
    }
  } finally {
    await service.stop()
  }
}

async function polls(git: GitServer): Promise<BenchResult> {
  const [rounds, interval] = [10, 5]
  const { repository, service, id } = await applied(git, 'poll', 1000, { interval: `${interval}s` })
  try {
    const seconds: number[] = []
    for (let round = 0; round < rounds; round++) {
      // At any moment between two polls.
      await sleep((interval * 1000 * round) / rounds)
      const commit = await commitTo(repository, [changedFile(round + 1)])
      seconds.push(await secondsUntilApplied(service, id, commit, performance.now()))
      await assertReissued(service, id, commit, 1000)
    }
    const longest = Math.max(...seconds)
    return {
      name: 'commit to applied by polling each 5 s, one changed certificate of 1,000 resources',
      figures: { rounds, p50Seconds: rounded(median(seconds)), longestSeconds: rounded(longest) },
      gate: { want: 'longest < interval + 1 s', met: longest < interval + 1 },
    }
  } finally {
    await service.stop()
  }
}

async function secondsUntilApplied(service: BenchService, id: string, commit: string, start: number): Promise<number> {
  await until(
    () => service.get<{ applied_commit?: string }>(`/v1/sources/${id}`),
    view => view.applied_commit === commit,
  )
  return (performance.now() - start) / 1000
}

/** A pass that saw nothing, or did more than was asked, is not what is measured. */
async function assertReissued(service: BenchService, id: string, commit: string, resources: number): Promise<void> {
  const { data } = await service.get<{ data: RunView[] }>(`/v1/runs?source=${id}&limit=1`)
  const [run] = data
  const { reissue, noop } = run?.summary ?? {}
  if (run?.commit === commit && run.state === 'succeeded' && reissue === 1 && noop === resources - 1) return
  throw new Error(`the measured pass did something else: ${JSON.stringify(run)}`)
}

async function unchanged(git: GitServer): Promise<BenchResult> {
  const [rounds, resources] = [9, 10_000]
  const { service, id } = await applied(git, 'unchanged', resources)
  try {
    const seconds: number[] = []
    for (let round = -2; round < rounds; round++) {
      const before = await newestRun(service, id)
      const start = performance.now()
      await service.post(`/v1/sources/${id}/reconcile`)
      const run = await until(
        () => newestRun(service, id),
        each => each.id !== before.id && each.ended_at !== undefined,
      )
      if (round >= 0) seconds.push((performance.now() - start) / 1000)
      if (run.state === 'succeeded' && run.summary?.noop === resources) continue
      throw new Error(`the measured pass is another: ${JSON.stringify(run)}`)
    }
    const p50 = median(seconds)
    return {
      name: 'reconcile without changes, 10,000 resources',
      figures: {
        rounds,
        p50Seconds: rounded(p50),
        longestSeconds: rounded(Math.max(...seconds)),
        rssMiB: rounded(usageOf(service.pid).rssMiB, 0),
      },
      gate: { want: 'p50 < 2 s', met: p50 < 2 },
    }
  } finally {
    await service.stop()
  }
}

async function newestRun(service: BenchService, source: string): Promise<RunView> {
  const { data } = await service.get<{ data: RunView[] }>(`/v1/runs?source=${source}&limit=1`)
  const [run] = data
  if (!run) throw new Error('there is no run')
  return run
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}
