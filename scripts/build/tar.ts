import { gzipSync } from 'node:zlib'

export interface ArchivedFile {
  readonly contents: Uint8Array
  readonly executable?: boolean
}

/**
 * A `.tar.gz` of files by their path, the same bytes for the same files: sorted, of nobody, of the epoch (POSIX.1-2017
 * pax, "ustar Interchange Format").
 */
export function tarGz(files: ReadonlyMap<string, ArchivedFile>): Buffer {
  const blocks = [...files]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([path, file]) => [header(path, file), file.contents, Buffer.alloc(-file.contents.length & 511)])
  // Two empty blocks end it.
  const packed = gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]), { level: 9 })
  // RFC 1952 §2.3.1: the operating system, which zlib writes down; 255 is "unknown".
  packed[9] = 255
  return packed
}

function header(path: string, { contents, executable = false }: ArchivedFile): Buffer {
  const block = Buffer.alloc(512)
  if (Buffer.byteLength(path) > 100) throw new Error(`too long a path for an archive: ${path}`)
  const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, '0')}\0`
  block.write(path, 0)
  block.write(octal(executable ? 0o755 : 0o644, 8), 100)
  block.write(octal(0, 8), 108)
  block.write(octal(0, 8), 116)
  block.write(octal(contents.length, 12), 124)
  block.write(octal(0, 12), 136)
  // The sum counts its own field as spaces.
  block.write('        ', 148)
  block.write('0', 156)
  block.write('ustar\x0000', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}
