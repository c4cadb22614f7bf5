/** What a comment tells us to do. */
export interface ApplyCommand {
  readonly type: 'apply'
  /** Only this source's plan. */
  readonly source?: string
  /** Beginning of the plan's digest, at least eight digits, lower case. */
  readonly digest?: string
}

/**
 * Reads a comment: the command is its only line, so that a quotation, a code block or a sentence about the command is
 * none. `trustform apply`, then a source or the beginning of a plan's digest, or both.
 */
export function commandOf(body: string): ApplyCommand | undefined {
  const line = body.trim()
  if (line.length > 300 || /[\r\n]/.test(line)) return undefined
  const words = line.split(/[ \t]+/)
  const [program, verb, ...rest] = words
  if (program !== 'trustform' || verb !== 'apply' || rest.length > 2) return undefined
  const digests = rest.filter(isDigest)
  const sources = rest.filter(word => !isDigest(word))
  if (digests.length > 1 || sources.length > 1 || sources.some(word => !/^[A-Za-z0-9][\w.-]*$/.test(word)))
    return undefined
  const [source, digest] = [sources[0], digests[0]?.replace(/^sha256:/i, '').toLowerCase()]
  return { type: 'apply', ...(source !== undefined && { source }), ...(digest !== undefined && { digest }) }
}

const isDigest = (word: string): boolean => /^(sha256:)?[0-9a-f]{8,64}$/i.test(word)
