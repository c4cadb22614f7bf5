import { chmod, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { EngineError } from '../../../engine/index.ts'
import { notInstalled, runGit } from './run.ts'

/** git-cat-file(1) `--batch-command` came with 2.36, `http.curloptResolve` with 2.37, unpacking in a stream with 2.38. */
const oldestGit = [2, 38] as const

/** Where things lie in a source's folder. */
export const repositoryFolder = (folder: string) => join(folder, 'repository')
export const accessFolder = (folder: string) => join(folder, 'access')

/**
 * Makes the bare repository, or makes one that a crash left behind usable again. Its folder belongs to this process.
 * `borrowsFrom` is the folder of another cache whose objects it need not have itself.
 */
export async function prepareCache(folder: string, borrowsFrom?: string): Promise<void> {
  for (const each of [folder, repositoryFolder(folder), accessFolder(folder)]) {
    await mkdir(each, { recursive: true, mode: 0o700 })
    await chmod(each, 0o700)
  }
  const repository = repositoryFolder(folder)
  await checkGit(repository)
  // A process that was killed leaves its locks, and every later one would wait for them in vain; and its key.
  for (const name of await readdir(repository, { recursive: true })) {
    if (/\.lock$|(?:^|\/)tmp_(?:pack|idx|obj|rev)_|\.keep$/.test(name))
      await rm(join(repository, name), { force: true })
  }
  await emptyFolder(accessFolder(folder))
  // Harmless where it exists already: it only adds what is missing.
  await initialize(repository, borrowsFrom).catch(() => resetCache(folder, borrowsFrom))
}

/** Removes what a killed git leaves: half of a pack, and locks for which every later one would wait in vain. */
export async function sweepCache(folder: string): Promise<void> {
  const repository = repositoryFolder(folder)
  for (const name of await readdir(repository, { recursive: true })) {
    if (/\.lock$|(?:^|\/)tmp_(?:pack|idx|obj|rev)_|\.keep$/.test(name))
      await rm(join(repository, name), { force: true })
  }
}

/** Forgets everything that was fetched. */
export async function resetCache(folder: string, borrowsFrom?: string): Promise<void> {
  await emptyFolder(repositoryFolder(folder))
  await initialize(repositoryFolder(folder), borrowsFrom)
}

async function initialize(repository: string, borrowsFrom: string | undefined): Promise<void> {
  await runGit({ folder: repository, args: ['init', '--quiet', '--bare'], timeout: 20_000 })
  if (borrowsFrom === undefined) return
  const objects = resolve(repositoryFolder(borrowsFrom), 'objects')
  await writeFile(join(repository, 'objects', 'info', 'alternates'), `${objects}\n`)
}

async function emptyFolder(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true })
}

/** Octets of the packs, those that are arriving included. */
export async function cacheSize(folder: string): Promise<number> {
  const packs = join(repositoryFolder(folder), 'objects', 'pack')
  const names = await readdir(packs).catch(() => [])
  const sizes = await Promise.all(
    names.map(name =>
      stat(join(packs, name)).then(
        ({ size }) => size,
        () => 0, // renamed meanwhile
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

export async function packCount(folder: string): Promise<number> {
  const names = await readdir(join(repositoryFolder(folder), 'objects', 'pack')).catch(() => [])
  return names.filter(name => name.endsWith('.pack')).length
}

/** Milliseconds between two looks at how much has arrived. */
const lookEvery = 100

/** Runs the work and aborts it when the cache grows past `limit` octets meanwhile. */
export async function whileSmallerThan<T>(
  folder: string,
  limit: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const grown = new AbortController()
  const timer = setInterval(() => void look(), lookEvery)
  const look = async () => {
    if ((await cacheSize(folder)) > limit) grown.abort(tooLarge(limit))
  }
  try {
    const done = await work(signal ? AbortSignal.any([signal, grown.signal]) : grown.signal)
    await look()
    grown.signal.throwIfAborted()
    return done
  } finally {
    clearInterval(timer)
  }
}

function tooLarge(limit: number): EngineError {
  return new EngineError('git_hostile', `the repository is larger than ${limit / 1024 / 1024} MiB`, {
    remedy: 'take large files out of the history, or use a repository of its own for the configuration',
    details: { reason: 'repository_too_large' },
  })
}

let checked: Promise<void> | undefined

function checkGit(folder: string): Promise<void> {
  checked ??= (async () => {
    const printed = await runGit({ folder, args: ['version'], timeout: 10_000 })
    const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(printed) ?? []).slice(1).map(Number)
    if (major < oldestGit[0] || (major === oldestGit[0] && minor < oldestGit[1])) throw notInstalled()
  })()
  // A failure is not remembered: git may be installed meanwhile.
  checked.catch(() => {
    checked = undefined
  })
  return checked
}
