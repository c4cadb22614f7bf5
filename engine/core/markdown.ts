/**
 * Text of others inside GitHub-flavoured Markdown, as GitHub, GitLab and Gitea read it. Whatever could be markup, a
 * mention, a reference, a link or an image stands in code, where it means nothing.
 */

/**
 * Controls, formats (zero width, bidirectional, tags), lone surrogates, private and unassigned characters, separators,
 * and the blank letters that no category names (Unicode TR36 §3.2).
 */
const unseen =
  /[\p{C}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0]|\u034f|[\u180b-\u180f]|[\ufe00-\ufe0f]|[\u{e0100}-\u{e01ef}]/gu

/** Longest text of others that stands in one place. */
const longest = 400

/** One line in which everything can be seen. */
function oneLine(text: string): string {
  const line = text.replaceAll(/[\t\n\v\f\r ]+/g, ' ').replaceAll(unseen, '\ufffd')
  const characters = [...line]
  return characters.length <= longest ? line : `${characters.slice(0, longest - 1).join('')}…`
}

/** A code span that its content cannot end (CommonMark §6.1). */
export function code(text: string): string {
  const content = oneLine(text)
  const fence = '`'.repeat(longestRun(content) + 1)
  const pad = /^`|`$|^ .* $|^ *$/.test(content) ? ' ' : ''
  return `${fence}${pad}${content}${pad}${fence}`
}

/** Words that are nothing but words, with the punctuation of a sentence after them. */
const plainWord = /^\(?(?:[A-Za-z]+(?:['-][A-Za-z]+)*|\d+)\)?[,;:.?]?$/
/** Seconds tell a person nothing here. */
const instant = /\b(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?Z/g
/** A quotation, or what stands between blanks. */
const token = /"[^"\n]*"[,;:.?]?|[^ ]+/g

/**
 * A sentence: plain English words stay, everything else (names, addresses, times, quotations) becomes code. Must not
 * stand at the beginning of a line, where a number and a point would be a list.
 */
export function prose(text: string): string {
  let out = ''
  let odd: string[] = []
  const flush = (): void => {
    if (odd.length === 0) return
    // A mark at the end belongs to the sentence.
    const [, body = '', mark = ''] = /^(.*?)([,;:.?]?)$/s.exec(odd.join(' ')) ?? []
    const quoted = /^"([^"]+)"$/.exec(body)
    out += `${out === '' ? '' : ' '}${code(quoted?.[1] ?? body)}${mark}`
    odd = []
  }
  for (const [word] of oneLine(text.replaceAll(instant, '"$1 $2 UTC"')).matchAll(token)) {
    if (!plainWord.test(word)) {
      // A quotation is a span of its own.
      if (word.startsWith('"')) flush()
      odd.push(word)
      if (/[,;:.?"]$/.test(word)) flush()
      continue
    }
    flush()
    out += `${out === '' ? '' : ' '}${word}`
  }
  flush()
  return out
}

/** Made for a cell of a table: a bar would end the cell even in code (GFM §4.10), and an escape can be escaped again. */
export function cell(markdown: string): string {
  return markdown.replaceAll('|', '¦')
}

/** A block that its content cannot end (CommonMark §4.5). Lines are made visible one by one. */
export function fenced(lines: readonly string[], language = ''): string {
  const shown = lines.map(line => line.replaceAll('\t', ' ').replaceAll(unseen, '\ufffd'))
  const fence = '`'.repeat(Math.max(3, ...shown.map(line => longestRun(line) + 1)))
  return [`${fence}${language}`, ...shown, fence].join('\n')
}

/** A link whose text is our own; undefined for an address that is none of the web. */
export function link(text: string, url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const { protocol, href } = new URL(url)
  if (protocol !== 'https:' && protocol !== 'http:') return undefined
  // Percent-encoded by URL but for these; in angle brackets only < > and line ends matter (CommonMark §6.3).
  const safe = href.replaceAll(/[()<>\\`|'@]/g, character => `%${character.charCodeAt(0).toString(16)}`)
  return `[${text}](${safe})`
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map(run => run.length))
}
