import { visible } from '../../../engine/index.ts'

/** What a commit object says. */
export interface ParsedCommit {
  readonly tree: string
  readonly author: string
  /** First line, control characters removed. */
  readonly subject: string
  /** When the committer made it. */
  readonly committedAt: Date
}

/** RFC-822-like headers, an empty line, the message. Undefined where it is no commit. */
export function parseCommit(octets: Uint8Array): ParsedCommit | undefined {
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('utf8')
  const border = text.indexOf('\n\n')
  const head = border < 0 ? text : text.slice(0, border)
  const header = (name: string) => new RegExp(`^${name} (.*)$`, 'm').exec(head)?.[1]
  const tree = /^tree ([0-9a-f]{40})$/m.exec(head)?.[1]
  const seconds = /> (\d{1,11}) [+-]\d{4}$/.exec(header('committer') ?? '')?.[1]
  if (tree === undefined || seconds === undefined) return undefined
  const [subject = ''] =
    border < 0
      ? []
      : text
          .slice(border + 2)
          .trimStart()
          .split('\n', 1)
  return {
    tree,
    author: visible((header('author') ?? '').replace(/ \d+ [+-]\d{4}$/, '')).slice(0, 200),
    subject: visible(subject.trimEnd()).slice(0, 200),
    committedAt: new Date(Number(seconds) * 1000),
  }
}
