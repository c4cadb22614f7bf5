import { createHash } from 'node:crypto'

/** What a forge answered, to be asked for by its ETag: an answer that did not change costs nothing of GitHub's rate. */
export interface Answers<T> {
  get(url: string, headers: Readonly<Record<string, string>>): { readonly etag: string; readonly answer: T } | undefined
  put(url: string, headers: Readonly<Record<string, string>>, etag: string, answer: T): void
}

interface Kept<T> {
  readonly etag: string
  readonly answer: T
}

/** Keeps the answers used last, up to so many characters of all together. One token's are never another's. */
export function createAnswers<T extends { readonly text: string }>(most = 16 * 1024 * 1024): Answers<T> {
  const kept = new Map<string, Kept<T>>()
  let size = 0

  function drop(key: string): void {
    size -= kept.get(key)?.answer.text.length ?? 0
    kept.delete(key)
  }

  return {
    get(url, headers) {
      const key = keyOf(url, headers)
      const found = kept.get(key)
      if (!found) return undefined
      // To the end of the queue of those that go.
      kept.delete(key)
      kept.set(key, found)
      return found
    },
    put(url, headers, etag, answer) {
      const key = keyOf(url, headers)
      drop(key)
      if (answer.text.length > most) return
      kept.set(key, { etag, answer })
      size += answer.text.length
      for (const oldest of kept.keys()) {
        if (size <= most) return
        drop(oldest)
      }
    },
  }
}

/** A digest: the headers hold the token. */
function keyOf(url: string, headers: Readonly<Record<string, string>>): string {
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])
  return createHash('sha256')
    .update(JSON.stringify([url, named.toSorted()]))
    .digest('base64')
}
