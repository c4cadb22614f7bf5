import type { SourceFiles } from '../../../engine/index.ts'
import type { Repository } from '../repository.ts'
import { checkCommit } from './names.ts'

/**
 * A repository whose extra refs are kept in a cache of their own, opened when the first of them is asked for: whatever
 * strangers push fills, damages and delays that one only, and the branch is fetched and read beside it.
 */
export function withPullRequests(branch: Repository, open: () => Promise<Repository>): Repository {
  let opened: Promise<Repository> | undefined

  function pulls(): Promise<Repository> {
    if (opened) return opened
    const own = open()
    opened = own
    own.catch(() => {
      opened = undefined
    })
    return own
  }

  /** Which of them holds a commit with its history. */
  async function holding(commit: string): Promise<Repository> {
    if (opened === undefined) return branch
    // What cannot be read is told by the question itself.
    const isHere = await branch.commitObject(commit).then(
      found => found !== undefined,
      () => true,
    )
    return isHere ? branch : opened
  }

  return {
    headOf: (name, signal) => branch.headOf(name, signal),
    async fetch(name, refs = [], signal) {
      return refs.length === 0 ? branch.fetch(name, refs, signal) : (await pulls()).fetch(name, refs, signal)
    },
    filesAt(commit) {
      checkCommit(commit)
      let found: Promise<SourceFiles> | undefined
      const files = () => (found ??= holding(commit).then(each => each.filesAt(commit)))
      return {
        list: async path => (await files()).list(path),
        read: async (path, limit) => (await files()).read(path, limit),
      }
    },
    merge: async (into, commit, signal) => (await (opened ?? branch)).merge(into, commit, signal),
    isAncestor: async (ancestor, commit) => (await holding(commit)).isAncestor(ancestor, commit),
    commitsBetween: async (from, to) => (await holding(to)).commitsBetween(from, to),
    commitObject: async id => (await holding(id)).commitObject(id),
    async close() {
      await Promise.all([branch.close(), opened?.then(each => each.close())])
    },
  }
}
