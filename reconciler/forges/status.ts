/** Longest description that every forge takes: GitHub's limit. */
const longest = 140

/** One line for a commit status. */
export function statusLine(text: string): string {
  const characters = [...text.replaceAll(/\s+/g, ' ').trim()]
  return characters.length <= longest ? characters.join('') : `${characters.slice(0, longest - 1).join('')}…`
}
