import { expect } from 'vitest'
import { type GiteaUser, type RunningGitea, startGitea } from '../servers/gitea.ts'
import { createGiteaWorld, type GiteaStatus, type GiteaWorld } from '../servers/gitea-world.ts'
import { type GitopsService, startGitopsService, until } from './gitops-service.ts'
import { createWorkspace, manifest, type Workspace } from './workspace.ts'

/** A source named `infra` on Gitea, the service that watches it by webhook alone, and what a test asks of both. */
export interface ForgedService {
  readonly gitea: RunningGitea
  readonly world: GiteaWorld
  readonly work: Workspace
  readonly service: GitopsService
  open(as: GiteaUser, head: string): Promise<number>
  pull(number: number): Promise<Pull>
  /** Our comment once it satisfies; fails where there are two. */
  comment(number: number, satisfied: (body: string) => boolean): Promise<Sticky>
  /** Comments once whatever the service published before lies in another second, which is all that forges count. */
  say(number: number, by: GiteaUser, body: string): Promise<void>
  status(commit: string, satisfied: (status: GiteaStatus) => boolean): Promise<GiteaStatus>
  source(): Promise<SourceView>
  applied(commit: string): Promise<SourceView>
  plans(): Promise<readonly PlanView[]>
  /** Addresses of everything that the service keeps. */
  listed(): Promise<readonly string[]>
  mainHead(): Promise<string>
  stop(): Promise<void>
}

interface Pull {
  readonly state: string
  readonly merged: boolean
  readonly head: { readonly sha: string }
}

export interface Sticky {
  readonly id: number
  readonly body: string
  readonly html_url: string
  readonly updated_at: string
}

export interface SourceView {
  readonly applied_commit?: string
  readonly observed_commit?: string
  readonly conditions: readonly { type: string; status: string; reason: string; message: string }[]
}

export interface PlanView {
  readonly id: string
  readonly commit: string
  readonly state: string
  readonly pull_request?: number
  readonly approvals: readonly { readonly by: string }[]
}

export const context = 'trustform/infra'
export const authority = (name: string) =>
  manifest('CertificateAuthority', name, { type: 'root', commonName: `${name} CA`, keyType: 'ec' })
export const certificate = (name: string) =>
  manifest('Certificate', name, { role: 'web', domains: [`${name}.corp.example`] })
export const base = [
  authority('root'),
  manifest('Role', 'web', { ca: 'root', allowedDomains: ['corp.example'], allowSubdomains: true }),
].join('')

/** Starts everything with a first commit on `main` and waits until it is applied. */
export async function startForged(
  files: Readonly<Record<string, string>>,
  options: { readonly source?: object; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<ForgedService> {
  const gitea = await startGitea()
  const work = createWorkspace('forged')
  try {
    const world = await createGiteaWorld(gitea, 'pki')
    const { repository, bot, api } = world
    const first = await world.change(world.alice, 'main', files)
    const source = {
      name: 'infra',
      url: `${gitea.url}/${repository}.git`,
      paths: ['base'],
      interval: '1h',
      autoApply: true,
      credentials: { username: bot.name, password: { env: 'FORGE_TOKEN' } },
      forge: { type: 'gitea', url: gitea.url, repository, token: { env: 'FORGE_TOKEN' } },
      webhookSecret: { env: 'HOOK_SECRET' },
      ...options.source,
    }
    const env = { FORGE_TOKEN: bot.token, HOOK_SECRET: 'of-the-hook', ...options.env }
    const service = await startGitopsService(work, [source], env)
    await gitea.createHook(repository, `${service.url}/v1/hooks/infra`, 'of-the-hook')
    const sourceView = async () => {
      const { data } = (await service.get('/v1/sources')) as { data: SourceView[] }
      const [only] = data
      if (!only) throw new Error('the source is not listed')
      return only
    }
    const ours = async (number: number) => {
      const all = (await api(bot, 'GET', `issues/${number}/comments`)) as (Sticky & { user: { login: string } })[] // its API
      return all.filter(({ user }) => user.login === bot.name)
    }
    const forged: ForgedService = {
      ...{ gitea, world, work, service, source: sourceView },
      open: (as, head) => gitea.openPullRequest(as, repository, head),
      pull: async number => (await api(bot, 'GET', `pulls/${number}`)) as Pull, // its API
      async comment(number, satisfied) {
        const [found, ...others] = await until(
          () => ours(number),
          ([one]) => one !== undefined && satisfied(one.body),
          60,
        )
        expect(others, 'there is one comment').toEqual([])
        if (!found) throw new Error('it was there a moment ago')
        return found
      },
      async say(number, by, body) {
        const [sticky] = await ours(number)
        await until(
          async () => Date.now(),
          now => now >= Date.parse(sticky?.updated_at ?? '') + 1000,
        )
        await world.comment(number, by, body)
      },
      async status(commit, satisfied) {
        const found = await until(
          () => world.status(commit, context),
          status => status !== undefined && satisfied(status),
          60,
        )
        if (!found) throw new Error('it was there a moment ago')
        return found
      },
      applied: commit => until(sourceView, ({ applied_commit }) => applied_commit === commit, 60),
      plans: async () => ((await service.get('/v1/plans?limit=100')) as { data: PlanView[] }).data,
      async listed() {
        const { stdout } = await work.expect(0, ['list', '--json', '--state', 'sqlite:state.db'])
        return (JSON.parse(stdout) as { address: string }[]).map(({ address }) => address)
      },
      async mainHead() {
        return ((await api(bot, 'GET', 'branches/main')) as { commit: { id: string } }).commit.id // its API
      },
      async stop() {
        await service.stop()
        work.remove()
        await gitea.stop()
      },
    }
    await forged.applied(first)
    return forged
  } catch (error) {
    work.remove()
    await gitea.stop()
    throw error
  }
}
