/**
 * C0 and C1 controls, line and paragraph separators, and the bidirectional and zero-width characters with which text
 * can look like other text (Unicode TR36 §3.2). A newline in a message would forge a line of ours.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const invisible = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

/** Text from a file, safe to print on a terminal: same length, so that a caret below it stays in place. */
export function visible(text: string): string {
  return text.replace(invisible, character => (character === '\t' ? ' ' : '\ufffd'))
}
