/** Where a bug is, without its words: they may hold anything. */
export function framesOf(error: unknown): string {
  const lines = error instanceof Error ? (error.stack ?? '').split('\n') : []
  return lines
    .filter(line => /^\s+at /.test(line))
    .slice(0, 8)
    .map(line => line.trim())
    .join(' < ')
}
