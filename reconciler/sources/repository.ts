import type { SourceFiles } from '../../engine/index.ts'

/**
 * A fetched repository: objects only, never a work tree. What it answers is untrusted data.
 * Errors are `EngineError`: `git_unreachable`, `git_refused` (credentials, missing branch), `git_hostile` (too many
 * files, too large, forbidden entries), `signature_refused`.
 */
export interface Repository {
  /** Where the branch is at the other side, without fetching: one small request, cheap enough to poll with. */
  headOf(branch: string, signal?: AbortSignal): Promise<string>
  /**
   * Fetches the branch and, where given, the extra refs (pull request heads), each with its whole history; answers
   * where they are. Costs no more than `headOf` while nothing moved.
   */
  fetch(branch: string, refs?: readonly string[], signal?: AbortSignal): Promise<Fetched>
  /** Reads manifests at a commit: regular files below `paths`, bounded in number and size. */
  filesAt(commit: string): SourceFiles
  /**
   * What merging a commit into another would make: a commit that is nowhere but here, or the files in which the two
   * contradict each other. The commit itself where it already holds the other.
   */
  merge(into: string, commit: string, signal?: AbortSignal): Promise<Merged>
  /** Whether `ancestor` is reachable from `commit`; false after a force-push. */
  isAncestor(ancestor: string, commit: string): Promise<boolean>
  /** Commits that are in `to` and not in `from`, newest first; the whole history of `to` without `from`, bounded. */
  commitsBetween(from: string | undefined, to: string): Promise<readonly Commit[]>
  /** A commit as it is stored, with its signature; undefined for what is none. */
  commitObject(id: string): Promise<Uint8Array | undefined>
  close(): Promise<void>
}

export interface Fetched {
  /** The branch's head, a full object name. */
  readonly head: string
  /** Object name by extra ref; absent where it does not exist. */
  readonly refs: ReadonlyMap<string, string>
}

export type Merged =
  | { readonly type: 'merged'; readonly commit: string }
  | { readonly type: 'conflict'; readonly files: readonly string[] }

export interface Commit {
  readonly id: string
  readonly author: string
  /** First line, control characters removed. */
  readonly subject: string
  /** ISO instant. */
  readonly at: string
}

/** Decides whether a commit may be applied by who signed it. Throws `signature_refused` naming the first that fails. */
export interface SignaturePolicy {
  /** Every commit after `lastApplied` up to `commit`, so that signing only the tip is not enough. */
  check(repository: Repository, lastApplied: string | undefined, commit: string): Promise<void>
}
