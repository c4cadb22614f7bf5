import { EngineError } from '../../../engine/index.ts'
import { parseCommit } from './commit.ts'
import type { GitLimits } from './limits.ts'
import type { ObjectReader } from './objects.ts'
import { parseTree, type TreeEntry } from './tree.ts'

/** Folders of one commit, read once each. Throws `git_hostile` for what is too large or malformed. */
export class TreeReader {
  readonly #objects: ObjectReader
  readonly #commit: string
  readonly #limits: GitLimits
  readonly #folders = new Map<string, ReadonlyMap<string, TreeEntry>>()
  #root: string | undefined
  #entries = 0

  constructor(objects: ObjectReader, commit: string, limits: GitLimits) {
    this.#objects = objects
    this.#commit = commit
    this.#limits = limits
  }

  /** What lies at a path inside the repository; undefined for nothing. */
  async entryAt(parts: readonly string[]): Promise<TreeEntry | undefined> {
    let found: TreeEntry | undefined = { kind: 'folder', name: '', object: await this.#rootTree() }
    for (const part of parts) {
      if (found?.kind !== 'folder') return undefined
      found = (await this.folder(found.object)).get(part)
    }
    return found
  }

  /** A folder's listing by name. */
  async folder(object: string): Promise<ReadonlyMap<string, TreeEntry>> {
    const known = this.#folders.get(object)
    if (known) return known
    const answer = await this.#objects.read(object, 'tree', this.#limits.folderSize)
    if (answer === undefined) throw incomplete(this.#commit)
    if ('tooLarge' in answer) throw hostile('folder_too_large', 'a folder of the repository has too many files')
    const entries = parseTree(answer.octets)
    if (!entries) throw hostile('malformed_objects', 'a folder of the repository has a malformed listing')
    const listing = new Map(entries.map(entry => [entry.name, entry]))
    this.#folders.set(object, listing)
    return listing
  }

  /**
   * Counts what a walk meets. The same folder again is work again: nested repetition is how a small repository becomes
   * an endless one.
   */
  spend(entries: number): void {
    this.#entries += entries
    if (this.#entries <= this.#limits.entries) return
    throw hostile('too_many_files', `the repository has more than ${this.#limits.entries} files below its paths`)
  }

  async #rootTree(): Promise<string> {
    if (this.#root !== undefined) return this.#root
    const answer = await this.#objects.read(this.#commit, 'commit', this.#limits.commitSize)
    if (answer === undefined) throw incomplete(this.#commit)
    const commit = 'octets' in answer ? parseCommit(answer.octets) : undefined
    if (!commit) throw hostile('malformed_objects', `commit ${this.#commit.slice(0, 12)} is too large or malformed`)
    this.#root = commit.tree
    return this.#root
  }
}

export function hostile(reason: string, message: string, remedy = 'remove it from the repository'): EngineError {
  return new EngineError('git_hostile', message, { remedy, details: { reason } })
}

function incomplete(commit: string): EngineError {
  return new EngineError('git_unreachable', `commit ${commit.slice(0, 12)} is not in the cache any more`, {
    remedy: 'it is fetched again by itself',
    details: { reason: 'cache_incomplete' },
  })
}
