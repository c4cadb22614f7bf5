import type { GiteaUser, RunningGitea } from './gitea.ts'

/** How a pull request may be merged; each makes other commits. */
export type MergeStyle = 'merge' | 'squash' | 'rebase'

/** A repository on Gitea with the people around it, and what they do. */
export interface GiteaWorld {
  /** `owner/name`. */
  readonly repository: string
  /** Acts for the service; administers the repository, because who may do what is told to nobody else. */
  readonly bot: GiteaUser
  /** May write, as may Ben. */
  readonly alice: GiteaUser
  readonly ben: GiteaUser
  /** May only read, and fork. */
  readonly rita: GiteaUser
  user(name: string): GiteaUser
  /** The repository's API as somebody. */
  api(as: GiteaUser, method: string, path: string, body?: object): Promise<unknown>
  /** One commit over several files; null removes one. Makes the branch from `main` when it is new. Answers the commit. */
  change(as: GiteaUser, branch: string, files: Readonly<Record<string, string | null>>, where?: string): Promise<string>
  comment(number: number, by: GiteaUser, body: string): Promise<void>
  merge(number: number, style?: MergeStyle): Promise<void>
  /** The newest status of a commit by its context. */
  status(commit: string, context: string): Promise<GiteaStatus | undefined>
}

export interface GiteaStatus {
  readonly state: string
  readonly description: string
  readonly url: string
}

/** Milliseconds between two looks at what Gitea does in the background. */
const pause = 50

export async function createGiteaWorld(gitea: RunningGitea, name: string): Promise<GiteaWorld> {
  const { admin } = gitea
  const [bot, alice, ben, rita] = [
    await gitea.createUser('bot'),
    await gitea.createUser('alice'),
    await gitea.createUser('ben'),
    await gitea.createUser('rita'),
  ]
  const users = new Map([bot, alice, ben, rita].map(user => [user.name, user]))
  const repository = await gitea.createRepository(admin, name)
  const at = (as: GiteaUser, where: string, method: string, path: string, body?: object) =>
    gitea.api(as, method, `repos/${where}/${path}`, body)
  const api: GiteaWorld['api'] = (as, method, path, body) => at(as, repository, method, path, body)
  const permissions = { bot: 'admin', alice: 'write', ben: 'write', rita: 'read' }
  for (const [user, permission] of Object.entries(permissions)) {
    await api(admin, 'PUT', `collaborators/${user}`, { permission })
  }

  return {
    ...{ repository, bot, alice, ben, rita, api },
    user: login => users.get(login) ?? admin,
    async change(as, branch, files, where = repository) {
      const branches = (await at(as, where, 'GET', 'branches?limit=50')) as { name: string }[] // its API
      const isNew = !branches.some(each => each.name === branch)
      const operations = await Promise.all(
        Object.entries(files).map(async ([path, text]) => {
          if (text !== null) return { operation: 'upload', path, content: Buffer.from(text).toString('base64') }
          const found = await at(as, where, 'GET', `contents/${path}?ref=${isNew ? 'main' : branch}`)
          return { operation: 'delete', path, sha: (found as { sha: string }).sha } // its API
        }),
      )
      const made = await at(as, where, 'POST', 'contents', {
        files: operations,
        message: `Change ${Object.keys(files).join(', ')}`,
        ...(isNew ? { branch: 'main', new_branch: branch } : { branch }),
      })
      return (made as { commit: { sha: string } }).commit.sha // its API
    },
    comment: async (number, by, body) => void (await api(by, 'POST', `issues/${number}/comments`, { body })),
    async merge(number, style = 'merge') {
      // It answers 405 until it knows that nothing conflicts.
      for (let attempt = 0; ; attempt++) {
        try {
          await api(admin, 'POST', `pulls/${number}/merge`, { Do: style })
          return
        } catch (error) {
          if (attempt > 200 || !String(error).includes('405')) throw error
          await new Promise(settle => setTimeout(settle, pause))
        }
      }
    },
    async status(commit, context) {
      const found = await api(bot, 'GET', `commits/${commit}/status`)
      type Told = { context: string; status: string; description: string; target_url: string }
      const { statuses } = found as { statuses: Told[] | null } // its API
      const newest = statuses?.find(status => status.context === context)
      return newest && { state: newest.status, description: newest.description, url: newest.target_url }
    },
  }
}
