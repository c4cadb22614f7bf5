import { randomBytes } from 'node:crypto'
import { open, rename, unlink } from 'node:fs/promises'
import { EngineError } from '../index.ts'

/**
 * Writes a file that nobody else may read, whole or not at all: another process sees the old content or all of the
 * new. A secret is never in a file with wider permissions, not even for a moment.
 */
export async function writePrivate(path: string, content: string): Promise<void> {
  return write(path, content, 0o600)
}

/** The same for what everybody may see. */
export async function writePublic(path: string, content: string): Promise<void> {
  return write(path, content, 0o644)
}

async function write(path: string, content: string, mode: number): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (cause) {
    await unlink(temporary).catch(() => undefined)
    throw new EngineError('usage', `cannot write ${path}: ${reasonOf(cause)}`, {
      remedy: 'check that its folder exists and may be written to',
      cause,
    })
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
