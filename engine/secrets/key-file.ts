import { link, mkdir, open, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Diagnostic, EngineError } from '../core/errors.ts'
import type { Random } from '../core/ports.ts'
import { Secret } from '../core/secret.ts'
import { hasCode, readBounded } from './read-bounded.ts'

export interface FoundKeyFile {
  readonly content: Secret<Uint8Array>
  readonly warnings: readonly Diagnostic[]
}

/** Undefined when there is no such file. A file that others can read is used, with a warning. */
export async function readKeyFile(path: string): Promise<FoundKeyFile | undefined> {
  try {
    const { content, mode } = await readBounded(path)
    return { content: new Secret(content), warnings: exposure(path, mode) }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw new EngineError('master_key_missing', `the master key file ${path} cannot be read`, {
      remedy: 'check its permissions and that it is a small regular file',
      cause: error,
    })
  }
}

/**
 * Creates a key file whole or not at all: another process sees no file or all of it, and of two creators one wins.
 * Answers what is there afterwards, which may be the other's key.
 */
export async function createKeyFile(path: string, key: Uint8Array, random: Random): Promise<FoundKeyFile> {
  const temporary = `${path}.${Buffer.from(random.bytes(8)).toString('hex')}`
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(`${Buffer.from(key).toString('base64')}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    // link(2) fails where the name exists, which rename(2) would replace.
    await link(temporary, path).catch(error => {
      if (!hasCode(error, 'EEXIST')) throw error
    })
    await syncFolder(dirname(path))
  } catch (error) {
    throw new EngineError('master_key_missing', `the master key file ${path} cannot be created`, {
      remedy: 'allow writing to that folder, or set TRUSTFORM_MASTER_KEY_FILE',
      cause: error,
    })
  } finally {
    await unlink(temporary).catch(() => undefined)
  }
  const found = await readKeyFile(path)
  if (found === undefined) throw new Error(`${path} vanished after it was created`)
  return found
}

/** The name itself must survive a power cut: the state will depend on it. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** A warning and no refusal: orchestrators mount secrets 0440 or 0444, and refusing would stop renewals. */
function exposure(path: string, mode: number): Diagnostic[] {
  if ((mode & 0o077) === 0) return []
  const readers = (mode & 0o007) === 0 ? 'its group' : 'everyone on this machine'
  return [
    {
      severity: 'warning',
      code: 'master_key_exposed',
      message: `the master key file ${path} can be read by ${readers}`,
      remedy: `run: chmod 600 ${path}`,
    },
  ]
}
