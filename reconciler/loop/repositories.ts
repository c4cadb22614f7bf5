import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '../../engine/index.ts'
import type { Repository } from '../sources/repository.ts'
import type { Source } from '../sources/source.ts'

/** The caches of all sources: one repository each, in a folder of its own. */
export interface Repositories {
  /**
   * Opened when first needed. When the source names another place it is opened anew, after those who ask meanwhile have
   * got theirs; `state_conflict` for whoever still holds the record with the place before.
   */
  of(source: Source): Promise<Repository>
  /**
   * Closes and removes what belongs to no source any more, also what a crash left behind. The folders are listed before
   * the sources are read, so that one that is new meanwhile is not taken for a removed one.
   */
  keepOnly(sources: () => Promise<readonly Pick<Source, 'id'>[]>): Promise<void>
  close(): Promise<void>
}

interface Kept {
  readonly key: string
  /** Of the record that named this place. */
  readonly version: number
  readonly opened: Promise<Repository>
}

/** How the ids of sources begin; nothing else in the folder is ours to remove. */
const ours = /^src_/

/** `open` gets the folder of the source's own. */
export function createRepositories(
  cacheFolder: string,
  open: (source: Source, folder: string) => Promise<Repository>,
): Repositories {
  const kept = new Map<string, Kept>()

  function reopened(source: Source, key: string, before: Kept | undefined): Kept {
    const { id, version } = source
    const opened = (async () => {
      // They share the folder: one is closed before the other is opened.
      const last = await before?.opened.catch(() => undefined)
      await last?.close()
      return open(source, join(cacheFolder, id))
    })()
    const entry = { key, version, opened }
    // Set before anything is waited for: who asks next waits for this one, and opens no third.
    kept.set(id, entry)
    opened.catch(() => {
      if (kept.get(id) === entry) kept.delete(id)
    })
    return entry
  }

  async function remove(id: string): Promise<void> {
    const entry = kept.get(id)
    const repository = await entry?.opened.catch(() => undefined)
    await repository?.close()
    // A late pass may have opened it again; the next round sees to that.
    if (kept.get(id) !== entry) return
    kept.delete(id)
    await rm(join(cacheFolder, id), { recursive: true, force: true })
  }

  return {
    async of(source) {
      const { id, version, spec } = source
      const key = JSON.stringify([spec.url, spec.credentials])
      const known = kept.get(id)
      if (known?.key === key) return known.opened
      if (known && version < known.version) throw changedMeanwhile(source)
      return reopened(source, key, known).opened
    },
    async keepOnly(sources) {
      const folders = (await readdir(cacheFolder).catch(() => [])).filter(name => ours.test(name))
      const candidates = new Set([...folders, ...kept.keys()])
      if (candidates.size === 0) return
      for (const { id } of await sources()) candidates.delete(id)
      for (const id of candidates) await remove(id)
    },
    async close() {
      await Promise.allSettled([...kept.values()].map(async ({ opened }) => (await opened).close()))
    },
  }
}

function changedMeanwhile({ spec }: Source): EngineError {
  return new EngineError('state_conflict', `the source "${spec.name}" names another repository by now`, {
    remedy: 'it is looked at again by itself',
  })
}
