import { setTimeout as sleep } from 'node:timers/promises'
import type { GitServer } from '../servers/git.ts'
import { type BenchService, commitTo, manifests, sourceOf, startBenchService, until, usageOf } from './gitops-world.ts'
import { rounded } from './measure.ts'
import type { BenchResult } from './result.ts'

/** What a service costs that has applied everything and only looks whether something changed. */
export async function idle(git: GitServer): Promise<BenchResult> {
  const [sources, resources, minutes] = [200, 100, 4]
  const declared: object[] = []
  for (let number = 0; number < sources; number++) {
    const repository = await git.create(`idle-${number}.git`)
    await commitTo(repository, manifests(resources, `s${number}-`))
    declared.push(sourceOf(`idle-${number}`, repository, { interval: '30s' }))
  }
  const service = await startBenchService(declared)
  try {
    await until(
      async () => {
        await sleep(1000)
        return service.get<{ data: { applied_commit?: string }[]; has_more: boolean }>('/v1/sources?limit=200')
      },
      ({ data, has_more }) =>
        !has_more && data.length === sources && data.every(each => each.applied_commit !== undefined),
      1200,
    )
    await sleep(20_000)
    const [asked, since] = [git.requests.length, new Date().toISOString()]
    const start = performance.now()
    const before = usageOf(service.pid)
    let rssMiB = before.rssMiB
    while (performance.now() - start < minutes * 60_000) {
      await sleep(500)
      rssMiB = Math.max(rssMiB, usageOf(service.pid).rssMiB)
    }
    const seconds = (performance.now() - start) / 1000
    const cores = (usageOf(service.pid).cpuSeconds - before.cpuSeconds) / seconds
    const requests = git.requests.length - asked
    const driftLooks = await runsSince(service, since)
    // A service that asks nobody, or never looks for drift, would be idle indeed.
    if (requests < (sources * seconds) / 30 || driftLooks < (sources * seconds) / 600 - 2) {
      throw new Error(`only ${requests} requests to git and ${driftLooks} looks for drift in ${Math.round(seconds)} s`)
    }
    return {
      name: '200 sources of 100 resources, idle, polling each 30 s',
      figures: {
        ...{ minutes, gitRequests: requests, driftLooks },
        ...{ cpuPercentOfOneCore: rounded(cores * 100, 1), rssMiB: rounded(rssMiB, 0) },
      },
      gate: { want: '< 10 % of one core and < 500 MB', met: cores < 0.1 && rssMiB * 1.048_576 < 500 },
    }
  } finally {
    await service.stop()
  }
}

/** Passes in full since a moment: nothing but drift asks for one here. */
async function runsSince(service: BenchService, since: string): Promise<number> {
  const { data } = await service.get<{ data: { trigger: string; started_at: string }[] }>('/v1/runs?limit=200')
  return data.filter(({ trigger, started_at }) => trigger === 'drift' && started_at >= since).length
}
