import { open } from 'node:fs/promises'

/** Octets of the largest secret that we read. */
export const largestSecret = 64 * 1024

export class TooLarge extends Error {}

/** Reads a file of at most `largestSecret` octets, whatever its length claims to be (a pipe, a device). */
export async function readBounded(path: string): Promise<{ content: Uint8Array; mode: number }> {
  const file = await open(path, 'r')
  try {
    const { mode } = await file.stat()
    const buffer = Buffer.alloc(largestSecret + 1)
    let length = 0
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, null)
      if (bytesRead === 0) return { content: Buffer.from(buffer.subarray(0, length)), mode }
      length += bytesRead
    }
    throw new TooLarge(`${path} is larger than ${largestSecret} octets`)
  } finally {
    await file.close()
  }
}

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
}
