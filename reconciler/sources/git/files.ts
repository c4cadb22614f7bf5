import { EngineError, type SourceFiles, visible } from '../../../engine/index.ts'
import type { GitLimits } from './limits.ts'
import type { ObjectReader } from './objects.ts'
import type { TreeEntry } from './tree.ts'
import { hostile, TreeReader } from './tree-reader.ts'

const manifestName = /\.ya?ml$/i

/** Failures that one listing tells; a person mends the first and sees the next. */
const mostFailures = 20

/** Octets that are read ahead, in the order of the listing, because readers ask for one file after the other. */
const aheadOctets = 4 * 1024 * 1024
const aheadFiles = 256

interface Ahead {
  readonly from: number
  readonly files: ReadonlyMap<string, Promise<Uint8Array | undefined>>
}

/**
 * Manifests at a commit. Only regular files are ever read: a manifest that is a symbolic link, an executable or a
 * submodule's is a failure, not an absence, because what is absent would be deleted.
 */
export function gitFiles(objects: ObjectReader, commit: string, limits: GitLimits): SourceFiles {
  const trees = new TreeReader(objects, commit, limits)
  const listed = new Map<string, string>()

  async function list(path: string) {
    const files: string[] = []
    const failures: EngineError[] = []
    const links: string[] = []

    function take(entry: TreeEntry, at: string): void {
      if (entry.kind === 'file' && manifestName.test(entry.name)) {
        listed.set(at, entry.object)
        files.push(at)
      } else if (entry.kind === 'link' && !manifestName.test(entry.name)) links.push(at)
      else if (entry.kind === 'submodule' || (entry.kind !== 'file' && manifestName.test(entry.name))) {
        if (failures.length < mostFailures) failures.push(refusedEntry(entry, at))
      }
    }

    async function walk(folder: string, at: string, depth: number): Promise<void> {
      if (depth > limits.depth) throw hostile('too_deep', `folders lie more than ${limits.depth} deep in each other`)
      const listing = await trees.folder(folder)
      trees.spend(listing.size)
      for (const entry of listing.values()) {
        // As in the file system: tools keep their own YAML there.
        if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
        const inner = at === '' ? entry.name : `${at}/${entry.name}`
        if (manifestName.test(entry.name) && visible(inner) !== inner) {
          throw hostile('name_refused', `the name of "${visible(inner)}" holds control characters or no UTF-8`)
        }
        if (entry.kind === 'folder') await walk(entry.object, inner, depth + 1)
        else take(entry, inner)
      }
    }

    try {
      const parts = partsOf(path)
      const found = await trees.entryAt(parts)
      if (!found) throw absent(path)
      if (found.kind === 'folder') await walk(found.object, parts.join('/'), parts.length)
      else if (found.kind === 'file') {
        listed.set(parts.join('/'), found.object)
        files.push(parts.join('/'))
      } else failures.push(refusedEntry(found, parts.join('/')))
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      // Part of a folder must not pass for the folder.
      return { files: [], failures: [error], links: [] }
    }
    return { files: files.sort(), failures, links: links.sort() }
  }

  const inOrder: string[] = []
  let octetsRead = 0
  let ahead: Ahead = { from: 0, files: new Map() }

  async function load(object: string, path: string, limit: number): Promise<Uint8Array> {
    const answer = await objects.read(object, 'blob', Math.min(limit, limits.fileSize))
    if (answer === undefined) throw absent(path)
    if ('octets' in answer) return answer.octets
    if (answer.tooLarge > limits.fileSize) {
      const size = `${Math.round(answer.tooLarge / 1024 / 1024)} MiB`
      throw hostile(
        'file_too_large',
        `"${path}" has ${size}; nothing above ${limits.fileSize / 1024 / 1024} MiB is read`,
      )
    }
    throw new EngineError('input_too_large', `"${path}" is larger than ${limit / 1024 / 1024} MiB`, {
      remedy: 'split it into several files',
      position: { file: path, line: 1, column: 1 },
    })
  }

  /** Asks for the files that follow in the listing, so that a read waits for git once in many files. */
  function readAhead(path: string, limit: number): Promise<Uint8Array | undefined> | undefined {
    const waiting = ahead.files.get(path)
    if (waiting) return waiting
    const from = inOrder.indexOf(path, ahead.from)
    if (from < 0) return undefined
    const each = Math.min(limit, Math.floor(aheadOctets / aheadFiles))
    const files = new Map<string, Promise<Uint8Array | undefined>>()
    for (const next of inOrder.slice(from, from + aheadFiles)) {
      const object = listed.get(next) ?? ''
      // What fails ahead is asked for again, and then tells why.
      files.set(
        next,
        load(object, next, each).catch(() => undefined),
      )
    }
    ahead = { from: from + 1, files }
    return files.get(path)
  }

  async function contentOf(path: string, limit: number): Promise<Uint8Array> {
    const shortcut = listed.has(path) ? await readAhead(path, limit) : undefined
    if (shortcut !== undefined) return shortcut
    const parts = partsOf(path)
    const found = await trees.entryAt(parts)
    if (!found) throw absent(path)
    if (found.kind !== 'file') throw refusedEntry(found, parts.join('/'))
    return load(found.object, path, limit)
  }

  return {
    async list(path) {
      const listing = await list(path)
      inOrder.push(...listing.files)
      return listing
    },

    async read(path, limit) {
      if (octetsRead > limits.manifests) throw tooMuch(limits)
      const octets = await contentOf(path, limit)
      octetsRead += octets.length
      if (octetsRead > limits.manifests) throw tooMuch(limits)
      return octets
    },
  }
}

function tooMuch({ manifests }: GitLimits): EngineError {
  const remedy = 'take out what is no manifest, or split it into several sources'
  return hostile('too_much', `the repository has more than ${manifests / 1024 / 1024} MiB of manifests`, remedy)
}

/** A path inside the repository. Throws where it leads out of it. */
function partsOf(path: string): readonly string[] {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) throw outside(path)
  }
  if (path.startsWith('/')) throw outside(path)
  return parts
}

function outside(path: string): EngineError {
  return new EngineError('input_unreadable', `"${visible(path)}" leads out of the repository`, {
    remedy: 'name something inside the repository',
  })
}

function absent(path: string): EngineError {
  return new EngineError('input_unreadable', `"${visible(path)}" does not exist in the repository`, {
    remedy: 'check the path; nothing was deleted',
    position: { file: visible(path), line: 1, column: 1 },
  })
}

const kindWords: Readonly<Record<TreeEntry['kind'], [is: string, remedy: string]>> = {
  file: ['a file', 'name a folder'],
  folder: ['a folder', 'name a file in it'],
  link: ['a symbolic link', 'replace the link by the file'],
  executable: ['executable', 'make it a regular file: git update-index --chmod=-x'],
  submodule: ['a submodule, whose content is not fetched', 'put the files themselves into the repository'],
}

function refusedEntry({ kind }: TreeEntry, path: string): EngineError {
  const [is, remedy] = kindWords[kind]
  const code = kind === 'folder' ? 'input_unreadable' : 'git_hostile'
  return new EngineError(code, `"${visible(path)}" is ${is}; only regular files are read`, {
    remedy,
    position: { file: visible(path), line: 1, column: 1 },
    details: { reason: kind },
  })
}
