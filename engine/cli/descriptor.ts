import { writeSync } from 'node:fs'
import type { Output } from './io.ts'

/**
 * A stream of the process written by its descriptor, at once and in order. Node's own stream objects cost a start
 * several milliseconds, so they are made only when somebody asks whether this is a terminal.
 */
export function descriptor(fd: 1 | 2, stream: () => NodeJS.WriteStream): Output {
  return {
    write: text => writeAll(fd, Buffer.from(text)),
    get isTTY() {
      return stream().isTTY
    },
    get columns() {
      return stream().columns
    },
  }
}

function writeAll(fd: 1 | 2, octets: Uint8Array): void {
  for (let at = 0; at < octets.length; ) {
    try {
      at += writeSync(fd, octets, at)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      // The reader of a pipe may leave early (`trustform list | head -1`); that is no failure of ours.
      if (code === 'EPIPE') process.exit(process.exitCode ?? 0)
      // Somebody who shares the pipe made it non-blocking, and its reader is slow.
      if (code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
}
