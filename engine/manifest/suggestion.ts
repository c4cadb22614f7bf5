import { distance } from 'fastest-levenshtein'

/** The known word that was probably meant, or undefined when none is near. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  // A third of the letters may be wrong; more is another word. Names longer than this are not typing slips.
  if (word.length > 128) return undefined
  const limit = Math.max(1, Math.floor(word.length / 3))
  let best: string | undefined
  let bestDistance = limit + 1
  for (const candidate of known) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue
    const away = sameLetters(candidate, word) ? 0.5 : distance(word, candidate)
    if (away < bestDistance) {
      best = candidate
      bestDistance = away
    }
  }
  return best
}

/** Letters in another case or order: the most common slips. */
function sameLetters(a: string, b: string): boolean {
  const letters = (word: string) => [...word.toLowerCase()].sort().join('')
  return a.length === b.length && letters(a) === letters(b)
}

/** `a, b, c and 7 more`: enough to choose from, not a wall of text. */
export function listed(words: readonly string[], most = 10): string {
  if (words.length <= most) return words.join(', ')
  return `${words.slice(0, most).join(', ')} and ${words.length - most} more`
}

/** `Certificate "web"`: how a sentence names a resource. */
export function calledBy(kind: string, name: string): string {
  return `${kind} "${name}"`
}

const acronyms: Readonly<Record<string, string>> = { Acme: 'ACME', Dns: 'DNS' }

/** A kind in prose: `CertificateAuthority` is a `certificate authority`, `DnsProvider` a `DNS provider`. */
export function kindInWords(kind: string): string {
  return kind
    .split(/(?=[A-Z])/)
    .map(word => acronyms[word] ?? word.toLowerCase())
    .join(' ')
}

export function kindsInWords(kind: string): string {
  const words = kindInWords(kind).replace(/y$/, 'ie')
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}s`
}
