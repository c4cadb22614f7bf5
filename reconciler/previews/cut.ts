const notice = '\n\n… cut here: the whole plan is in the log of the job.'

/** Markdown of ours up to a number of characters: at the end of a line, with what is open there closed. */
export function cutMarkdown(text: string, limit: number): string {
  if (text.length <= limit) return text
  const kept: string[] = []
  let length = notice.length + 100
  let fence: string | undefined
  let folded = 0
  for (const line of text.split('\n')) {
    // What closes an open fence needs room too.
    length += line.length + 1
    if (length + (fence?.length ?? 0) > limit) break
    kept.push(line)
    const run = /^(`{3,})/.exec(line)?.[1]
    if (fence === undefined) {
      fence = run
      if (/^<details>/.test(line)) folded++
      if (line === '</details>') folded--
    } else if (run !== undefined && run.length >= fence.length && line.trim() === run) {
      fence = undefined
    }
  }
  const closing = [...(fence === undefined ? [] : [fence]), ...(folded > 0 ? ['\n</details>'] : [])]
  return `${[...kept, ...closing].join('\n')}${notice}`
}
