import { createHash } from 'node:crypto'

/** What a fake forge knows; the shapes of its API are made of it. */
export interface FakePull {
  readonly number: number
  readonly author: string
  readonly base: string
  readonly fork: boolean
  /** The newest last, with the instants at which they were pushed. */
  readonly heads: { readonly commit: string; readonly at: string }[]
  state: 'open' | 'merged' | 'closed'
  mergeCommit?: string
  readonly comments: FakeComment[]
  readonly reviews: { readonly by: string; readonly verdict: string; readonly commit: string; readonly at: string }[]
}

export interface FakeComment {
  readonly id: number
  readonly by: string
  body: string
  readonly at: string
  editedAt: string
  readonly system?: boolean
}

export interface FakeStatus {
  readonly commit: string
  readonly state: string
  readonly context: string
  readonly description: string
  readonly url: string | undefined
}

/** A repository with its people; time is a counter, so that what comes later is later. */
export function createForgeState() {
  let seconds = Date.parse('2026-11-21T12:00:00Z') / 1000
  let ids = 1000
  const pulls: FakePull[] = []
  const statuses: FakeStatus[] = []
  const now = () => new Date(seconds++ * 1000).toISOString()
  const commit = () => createHash('sha1').update(String(ids++)).digest('hex')
  const pull = (number: number) => pulls.find(each => each.number === number)
  const known = (number: number) => {
    const found = pull(number)
    if (!found) throw new Error(`no pull request ${number}`)
    return found
  }
  return {
    pulls,
    statuses,
    pull,
    now,
    openPull(author: string, base: string, fork: boolean): FakePull {
      const heads = [{ commit: commit(), at: now() }]
      const made: FakePull = {
        number: pulls.length + 1,
        author,
        base,
        fork,
        heads,
        state: 'open',
        comments: [],
        reviews: [],
      }
      pulls.push(made)
      return made
    },
    push(number: number): string {
      const head = { commit: commit(), at: now() }
      known(number).heads.push(head)
      return head.commit
    },
    merge(number: number): void {
      Object.assign(known(number), { state: 'merged', mergeCommit: commit() })
    },
    addComment(number: number, by: string, body: string, system = false): FakeComment {
      const at = now()
      const comment = { id: ids++, by, body, at, editedAt: at, ...(system && { system }) }
      known(number).comments.push(comment)
      return comment
    },
    editComment(id: number, body: string): FakeComment | undefined {
      const found = pulls.flatMap(({ comments }) => comments).find(comment => comment.id === id)
      if (found) Object.assign(found, { body, editedAt: now() })
      return found
    },
    review(number: number, by: string, verdict: string): void {
      known(number).reviews.push({ by, verdict, commit: headOf(known(number)), at: now() })
    },
  }
}

export type ForgeState = ReturnType<typeof createForgeState>

/** When something was last done to it. */
export const updatedAt = ({ heads, comments, reviews }: FakePull): string =>
  [...heads.map(({ at }) => at), ...comments.map(({ editedAt }) => editedAt), ...reviews.map(({ at }) => at)]
    .sort()
    .at(-1) ?? ''

export const headOf = ({ heads }: FakePull): string => heads.at(-1)?.commit ?? ''
