/** A commit taken apart as git does before it verifies one (its `parse_signed_commit`). */
export interface SignedCommit {
  /** What was signed: the object without its signature. */
  readonly payload: Buffer
  /** Armoured; undefined where the commit has none. */
  readonly signature: string | undefined
  readonly parents: readonly string[]
  /** When the committer says it was made. */
  readonly committedAt: Date
}

const signatureHeader = /^gpgsig(?:-sha256)? /

/** Undefined for what is no commit, or has more than one signature, so that nobody can choose which one is looked at. */
export function takeApart(octets: Uint8Array): SignedCommit | undefined {
  // Latin-1 keeps every octet as it is.
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('latin1')
  const border = text.indexOf('\n\n')
  if (border < 0) return undefined
  const keep: string[] = []
  const signatures: string[][] = []
  let inSignature = false
  for (const line of text.slice(0, border).split('\n')) {
    if (line.startsWith(' ')) {
      if (inSignature) signatures.at(-1)?.push(line.slice(1))
      else keep.push(line)
      continue
    }
    inSignature = signatureHeader.test(line)
    if (inSignature) signatures.push([line.replace(signatureHeader, '')])
    else keep.push(line)
  }
  const seconds = /^committer .*> (\d{1,11}) [+-]\d{4}$/m.exec(keep.join('\n'))?.[1]
  if (signatures.length > 1 || seconds === undefined) return undefined
  return {
    payload: Buffer.from(keep.join('\n') + text.slice(border), 'latin1'),
    signature: signatures[0]?.join('\n'),
    parents: keep.flatMap(line => /^parent ([0-9a-f]{40})$/.exec(line)?.[1] ?? []),
    committedAt: new Date(Number(seconds) * 1000),
  }
}
