import type { Io } from './io.ts'

/** What a CI system tells a job about itself. */
export interface CiJob {
  readonly forge: 'github' | 'gitlab' | 'gitea'
  readonly url: string | undefined
  readonly repository: string | undefined
  readonly pull: number | undefined
  /** The head commit of the pull request; never the trial merge that some systems check out. */
  readonly commit: string | undefined
  /** Where the job's log is. */
  readonly link: string | undefined
  /** The variable that usually holds a token there. */
  readonly token: string
}

type Env = Io['env']

/** `refs/pull/7/merge`. */
const pullOfRef = (ref: string | undefined): number | undefined => {
  const number = /^refs\/pull\/(\d+)\//.exec(ref ?? '')?.[1]
  return number === undefined ? undefined : Number(number)
}

const runOf = (env: Env): string | undefined =>
  env.GITHUB_SERVER_URL && env.GITHUB_REPOSITORY && env.GITHUB_RUN_ID
    ? `${env.GITHUB_SERVER_URL}/${env.GITHUB_REPOSITORY}/actions/runs/${env.GITHUB_RUN_ID}`
    : undefined

/** In order: Gitea's runner sets GitHub's variables too. Names as each system documents them. */
const systems: readonly { readonly sign: string; readonly read: (env: Env) => CiJob }[] = [
  {
    sign: 'GITEA_ACTIONS',
    read: env => ({
      forge: 'gitea',
      url: env.GITHUB_SERVER_URL,
      repository: env.GITHUB_REPOSITORY,
      pull: pullOfRef(env.GITHUB_REF),
      commit: undefined,
      link: runOf(env),
      token: 'GITEA_TOKEN',
    }),
  },
  {
    sign: 'GITHUB_ACTIONS',
    read: env => ({
      forge: 'github',
      url: env.GITHUB_API_URL,
      repository: env.GITHUB_REPOSITORY,
      pull: pullOfRef(env.GITHUB_REF),
      commit: undefined,
      link: runOf(env),
      token: 'GITHUB_TOKEN',
    }),
  },
  {
    sign: 'GITLAB_CI',
    read: env => ({
      forge: 'gitlab',
      url: env.CI_SERVER_URL,
      repository: env.CI_MERGE_REQUEST_PROJECT_PATH ?? env.CI_PROJECT_PATH,
      pull: env.CI_MERGE_REQUEST_IID === undefined ? undefined : Number(env.CI_MERGE_REQUEST_IID),
      // Set where CI_COMMIT_SHA is a trial merge.
      commit: env.CI_MERGE_REQUEST_SOURCE_BRANCH_SHA || env.CI_COMMIT_SHA,
      link: env.CI_JOB_URL,
      token: 'GITLAB_TOKEN',
    }),
  },
]

/** The job that this process runs in, if it is one. */
export function ciJob(env: Env): CiJob | undefined {
  return systems.find(({ sign }) => env[sign] === 'true')?.read(env)
}
