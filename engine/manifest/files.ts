import type { Stats } from 'node:fs'
import { join } from 'node:path'
import { EngineError } from '../core/errors.ts'

/** What lies below one `-f` argument. Failures do not hide the files beside them. */
export interface SourceListing {
  /** Paths of manifests, sorted, as people should read them in messages. */
  readonly files: readonly string[]
  readonly failures: readonly EngineError[]
  /** Symbolic links inside folders, which are not followed. */
  readonly links: readonly string[]
}

/** Where manifests and the files that they name are read from: a file system now, a git tree later. */
export interface SourceFiles {
  /** A file itself, or every `*.yaml` and `*.yml` below a folder. Does not throw. */
  list(path: string): Promise<SourceListing>
  /** Throws `input_unreadable`, or `input_too_large` beyond `limit` octets. */
  read(path: string, limit: number): Promise<Uint8Array>
}

// An `import` of node:fs asks it for every export and so loads the streams, 7 ms that `validate` does not need
// (measured 2026-11, Node 24).
const { readdirSync, readFileSync, statSync } = process.getBuiltinModule('node:fs')

const manifestName = /\.ya?ml$/i

/**
 * Symbolic links named by the user are followed; links inside folders are not, so a loop cannot arise. Calls are
 * synchronous: manifests are small, local and read before anything else can run, and that is several times faster.
 */
export const fileSystem: SourceFiles = {
  async list(path) {
    const files: string[] = []
    const failures: EngineError[] = []
    const links: string[] = []
    try {
      if (statSync(path).isDirectory()) walk(path)
      else files.push(path)
    } catch (error) {
      failures.push(unreadable(path, error))
    }
    return { files: files.sort(), failures, links: links.sort() }

    function walk(folder: string): void {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        // Tools keep their own YAML there (.git, .github, packages); it is never a manifest.
        if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
        const inner = join(folder, entry.name)
        if (entry.isSymbolicLink() && (manifestName.test(entry.name) || leadsToFolder(inner))) links.push(inner)
        else if (entry.isFile() && manifestName.test(entry.name)) files.push(inner)
        else if (entry.isDirectory()) {
          try {
            walk(inner)
          } catch (error) {
            failures.push(unreadable(inner, error))
          }
        }
      }
    }
  },

  async read(path, limit) {
    try {
      // Asked before opening: opening a pipe waits for its writer.
      const { size } = regularFile(path)
      if (size > limit) throw tooLarge(path, limit)
      const octets = readFileSync(path)
      // A file may grow while it is read.
      if (octets.length > limit) throw tooLarge(path, limit)
      return octets
    } catch (error) {
      throw error instanceof EngineError ? error : unreadable(path, error)
    }
  },
}

function regularFile(path: string): Stats {
  const found = statSync(path)
  if (found.isFile()) return found
  throw new EngineError('input_unreadable', `"${path}" is not a regular file`, { remedy: 'name a file or a folder' })
}

function leadsToFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false // it leads nowhere, or back to itself
  }
}

function tooLarge(path: string, limit: number): EngineError {
  return new EngineError('input_too_large', `"${path}" is larger than ${limit / 1024 / 1024} MiB`, {
    remedy: 'split it into several files',
    position: { file: path, line: 1, column: 1 },
  })
}

const reasons: Readonly<Record<string, [words: string, remedy: string]>> = {
  ENOENT: ['does not exist', 'check the path'],
  EACCES: ['may not be read by this user', 'grant read permission, or run as its owner'],
  EPERM: ['may not be read by this user', 'grant read permission, or run as its owner'],
  ELOOP: ['is a symbolic link that leads back to itself', 'replace the link by the file'],
  EISDIR: ['is a folder', 'name a file in it'],
  ENOTDIR: ['leads through something that is not a folder', 'check the path'],
  ENAMETOOLONG: ['has too long a name', 'check the path'],
}

function unreadable(path: string, error: unknown): EngineError {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '' // node:fs rejects with these
  const [words, remedy] = reasons[code] ?? [
    `cannot be read${code === '' ? '' : ` (${code})`}`,
    'check the path and the disk',
  ]
  return new EngineError('input_unreadable', `"${path}" ${words}`, {
    remedy,
    position: { file: path, line: 1, column: 1 },
    cause: error,
  })
}
