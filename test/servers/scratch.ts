import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The user `nobody`: servers that refuse root run as it. */
export const nobody = 65_534

/** A fresh folder that a server may write to, also as another user. */
export interface Scratch {
  readonly path: string
  /** Writes a file there, readable by the server, and gives its path. */
  write(name: string, text: string): string
  remove(): void
}

export function createScratch(name: string): Scratch {
  const path = mkdtempSync(join(tmpdir(), `trustform-${name}-`))
  const root = process.getuid?.() === 0
  if (root) chownSync(path, nobody, nobody)
  chmodSync(path, 0o755)
  return {
    path,
    write(file, text) {
      const target = join(path, file)
      writeFileSync(target, text)
      if (root) chownSync(target, nobody, nobody)
      return target
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
}
