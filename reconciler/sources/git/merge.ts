import { visible } from '../../../engine/index.ts'
import type { Merged } from '../repository.ts'
import { type GitCall, runGit } from './run.ts'

/** Names of conflicting files that are told; a person mends the first ones and sees the others. */
const mostFiles = 20

/** git makes no commit without an author, though nobody ever sees this one. */
const identity = ['-c', 'user.name=trustform', '-c', 'user.email=trustform@localhost']

/**
 * Merges two commits as a forge would, without a work tree. Histories that share nothing are merged too: whether that
 * may be is the forge's to say.
 */
export async function mergeCommits(call: Omit<GitCall, 'args'>, into: string, commit: string): Promise<Merged> {
  const merge = ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', '--allow-unrelated-histories']
  // It ends with 1 where the two contradict each other, and then names the files after the tree.
  const printed = await runGit({ ...call, args: [...merge, into, commit], alsoEndsWith: 1 })
  const [tree = '', ...files] = printed.split('\0').filter(part => part !== '')
  if (files.length > 0) return { type: 'conflict', files: files.slice(0, mostFiles).map(visible) }
  const parents = ['-p', into, '-p', commit]
  const made = await runGit({ ...call, args: [...identity, 'commit-tree', tree, ...parents, '-m', 'merge'] })
  return { type: 'merged', commit: made.trim() }
}
