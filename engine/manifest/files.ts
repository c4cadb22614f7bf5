import { lstat, open, readdir, stat } from 'node:fs/promises'
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

const manifestName = /\.ya?ml$/i

/** Symbolic links named by the user are followed; links inside folders are not, so a loop cannot arise. */
export const fileSystem: SourceFiles = {
  async list(path) {
    const files: string[] = []
    const failures: EngineError[] = []
    const links: string[] = []
    try {
      if ((await stat(path)).isDirectory()) await walk(path)
      else files.push(path)
    } catch (error) {
      failures.push(unreadable(path, error))
    }
    return { files: files.sort(), failures, links: links.sort() }

    async function walk(folder: string): Promise<void> {
      const entries = await readdir(folder, { withFileTypes: true })
      for (const entry of entries) {
        // Tools keep their own YAML there (.git, .github, packages); it is never a manifest.
        if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
        const path = join(folder, entry.name)
        if (entry.isDirectory()) await walk(path).catch(error => failures.push(unreadable(path, error)))
        else if (entry.isSymbolicLink() && (manifestName.test(entry.name) || (await leadsToFolder(path))))
          links.push(path)
        else if (entry.isFile() && manifestName.test(entry.name)) files.push(path)
      }
    }
  },

  async read(path, limit) {
    try {
      const handle = await open(path, 'r')
      try {
        const { size, isFile } = await handle.stat().then(found => ({ size: found.size, isFile: found.isFile() }))
        if (!isFile)
          throw new EngineError('input_unreadable', `"${path}" is not a regular file`, {
            remedy: 'name a file or a folder',
          })
        if (size > limit) throw tooLarge(path, limit)
        const octets = await handle.readFile()
        // A file may grow while it is read.
        if (octets.length > limit) throw tooLarge(path, limit)
        return octets
      } finally {
        await handle.close()
      }
    } catch (error) {
      throw error instanceof EngineError ? error : unreadable(path, error)
    }
  },
}

async function leadsToFolder(path: string): Promise<boolean> {
  return stat(path).then(
    found => found.isDirectory(),
    () => lstat(path).then(found => found.isSymbolicLink() && manifestName.test(path)),
  )
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
