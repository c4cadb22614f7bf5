import type { Diagnostic, PlanDocument } from '../../engine/index.ts'

/** What came of a commit: all that a comment and a status can be about. */
export type PreviewContent =
  | {
      readonly type: 'plan'
      readonly document: PlanDocument
      /** Why the branch would refuse these commits as they are, and nothing but them was looked at. */
      readonly unsigned?: string
    }
  /** Nothing can be planned before these are mended. */
  | { readonly type: 'invalid'; readonly diagnostics: readonly Diagnostic[] }
  /** The plan could not be made, though nothing is wrong with the configuration as far as is known. */
  | { readonly type: 'failed'; readonly message: string; readonly remedy?: string }
  /** The plan is being made; the one before, if any, no longer holds. */
  | { readonly type: 'pending' }
  /** Markdown that somebody rendered before (`trustform plan --format markdown`). */
  | { readonly type: 'markdown'; readonly text: string }

export interface PreviewContext {
  /** The source; each has a comment of its own. */
  readonly source: string
  /** The head commit that this is about. */
  readonly commit: string
  /** Where the whole plan can be seen: `/v1/plans/…`, or the CI job. */
  readonly url?: string
  /** Characters of the largest comment that the forge takes. */
  readonly limit: number
  /** Digest of the plan; a short form of it is shown, and approvals may name it. */
  readonly digest?: string
  /** How a plan that holds nothing dangerous comes to be applied: by merging, or only once it was approved. */
  readonly apply?: 'merge' | 'approval' | 'elsewhere'
  /** Who approved exactly this plan of this commit. */
  readonly approvedBy?: readonly string[]
  /** Who discarded exactly this plan of this commit. */
  readonly discardedBy?: string
  /** The pull request is no longer open; the plan is shown as it was. */
  readonly ended?: { readonly state: 'merged' | 'closed'; readonly branch: string; readonly mergeCommit?: string }
  /** The pull request comes from a fork: no credential was used. */
  readonly fromFork?: boolean
  /** What happened around the plan, as sentences: who approved, why an approval was refused. */
  readonly notices?: readonly string[]
}

/** Digits of commits and digests that people see and type. */
export const shortForm = (digest: string): string => digest.replace(/^sha256:/, '').slice(0, 12)
