/** A pull or merge request as far as we care. */
export interface PullRequest {
  readonly number: number
  readonly title: string
  readonly author: string
  readonly headCommit: string
  /** Full ref name to fetch the head by: `refs/pull/7/head`, `refs/merge-requests/7/head`. */
  readonly headRef: string
  readonly baseBranch: string
  /** From another repository: validation and an offline plan without credentials, nothing more. */
  readonly fromFork: boolean
  readonly state: 'open' | 'merged' | 'closed'
  /** The commit on the base branch that merging made. */
  readonly mergeCommit?: string
  /** ISO instant; moves with every push, comment, review and change of state. */
  readonly updatedAt: string
  readonly url: string
}

export interface CommitStatus {
  readonly state: 'pending' | 'success' | 'failure' | 'error'
  /** At most 140 characters. */
  readonly description: string
  readonly url?: string
  /** Names the check: `trustform/<source>`. */
  readonly context: string
}

export interface Comment {
  readonly id: string
  readonly author: string
  readonly body: string
  /** ISO instants by the forge's clock. */
  readonly createdAt: string
  readonly updatedAt: string
  /** Where people read it. */
  readonly url: string
}

/**
 * A forge's API. Errors are `EngineError`: `forge_unauthorized`, `forge_failed`, `backend_rate_limited` with
 * `retryAfter`. Tokens appear in no error.
 */
export interface Forge {
  readonly type: 'github' | 'gitlab' | 'gitea'
  /** Characters of the largest comment that it takes. */
  readonly commentLimit: number
  /** Login that our token acts as; a sticky comment is ours only when this account wrote it. */
  self(): Promise<string>
  pullRequest(number: number): Promise<PullRequest | undefined>
  openPullRequests(baseBranch: string): Promise<readonly PullRequest[]>
  comments(number: number): Promise<readonly Comment[]>
  createComment(number: number, body: string): Promise<Comment>
  updateComment(number: number, id: string, body: string): Promise<Comment>
  setStatus(commit: string, status: CommitStatus): Promise<void>
  /** Asked at the moment of approval, never taken from a payload. */
  mayApprove(login: string): Promise<boolean>
  /** Logins that approve the pull request's present head commit. */
  approvals(number: number): Promise<readonly string[]>
}

/** A webhook whose signature was checked over the raw octets. It is only a hint; the forge is asked for the facts. */
export type Hint =
  | { readonly type: 'push'; readonly branch: string }
  | { readonly type: 'pull-request'; readonly number: number }
  | { readonly type: 'comment'; readonly number: number; readonly body: string; readonly author: string }
  | { readonly type: 'other' }
