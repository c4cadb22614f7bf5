import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { makeBare, openGitFolder } from '../servers/git-folder.ts'
import { type RunningGitea, startGitea } from '../servers/gitea.ts'
import { createScratch } from '../servers/scratch.ts'
import { changedFile, commitTo, hookSecret, manifests, sourceOf, startBenchService, until } from './gitops-world.ts'
import { median, rounded } from './measure.ts'
import type { BenchResult } from './result.ts'

/** From the request that opens a pull request on Gitea, whose own webhook wakes the service, to the comment there. */
export async function previews(): Promise<BenchResult> {
  const rounds = 15
  const gitea = await startGitea()
  try {
    const bot = await gitea.createUser('bot')
    const repository = await gitea.createRepository(gitea.admin, 'pki')
    await gitea.api(gitea.admin, 'PUT', `repos/${repository}/collaborators/bot`, { permission: 'admin' })
    const commit = await pushManifests(gitea, repository)
    const forge = { type: 'gitea', url: gitea.url, repository, token: { env: 'FORGE_TOKEN' } }
    const source = sourceOf('previews', { url: `${gitea.url}/${repository}.git` }, { forge })
    const service = await startBenchService([source], { FORGE_TOKEN: bot.token })
    try {
      await until(
        () => service.source('previews'),
        view => view.applied_commit === commit,
      )
      await gitea.createHook(repository, `${service.url}/v1/hooks/previews`, hookSecret)
      const seconds: number[] = []
      const opened: number[] = []
      for (let round = -2; round < rounds; round++) {
        const branch = `change-${round + 3}`
        await gitea.commit(gitea.admin, repository, branch, ...changedFile(round + 3))
        const start = performance.now()
        const number = await gitea.openPullRequest(gitea.admin, repository, branch)
        const answered = performance.now()
        const body = await commentOn(gitea, repository, number)
        const seen = performance.now()
        if (!body.includes('1 change') || !body.includes('host-500')) throw new Error(`another plan: ${body}`)
        if (round < 0) continue
        seconds.push((seen - start) / 1000)
        opened.push((answered - start) / 1000)
      }
      const p50 = median(seconds)
      return {
        name: 'pull request opened on Gitea to plan comment, 1,000 resources',
        figures: {
          rounds,
          p50Seconds: rounded(p50),
          longestSeconds: rounded(Math.max(...seconds)),
          // Part of it: until Gitea has answered the request that opens the pull request.
          giteaOpensSeconds: rounded(median(opened)),
        },
        gate: { want: 'p50 < 2 s', met: p50 < 2 },
      }
    } finally {
      await service.stop()
    }
  } finally {
    await gitea.stop()
  }
}

async function pushManifests(gitea: RunningGitea, repository: string): Promise<string> {
  const scratch = createScratch('bench-push')
  try {
    const path = join(scratch.path, 'pki.git')
    mkdirSync(path)
    await makeBare(path)
    const folder = openGitFolder(path)
    const commit = await commitTo(folder, manifests(1000))
    const { name, password } = gitea.admin
    const url = `${gitea.url.replace('//', `//${name}:${password}@`)}/${repository}.git`
    await folder.git(['push', '--quiet', '--force', url, 'refs/heads/main'])
    return commit
  } finally {
    scratch.remove()
  }
}

/** The text of the first comment that appears. */
async function commentOn(gitea: RunningGitea, repository: string, number: number): Promise<string> {
  const path = `repos/${repository}/issues/${number}/comments`
  const comments = await until(
    async () => (await gitea.api(gitea.admin, 'GET', path)) as readonly { readonly body: string }[], // its API
    found => found.length > 0,
  )
  return comments[0]?.body ?? ''
}
