/** Where our types, resources and functions are. */
export const tokenOf = (name: string): string => `trustform:index:${name}`

/** `CertificateAuthority` and `nameConstraints` make `CertificateAuthorityNameConstraints`; what they share is said once. */
export function typeName(owner: string, field: string): string {
  const words = wordsOf(field)
  const ending = wordsOf(owner)
  const shared = words.findLastIndex(
    (_word, index) => ending.slice(-index - 1).join() === words.slice(0, index + 1).join(),
  )
  return `${owner}${words.slice(shared + 1).join('')}`
}

/** The name of an enumeration's value in languages where it needs one: `dns-01` is `Dns01`, `serverAuth` `ServerAuth`. */
export const memberName = (value: string): string => wordsOf(value).join('')

/** `nameConstraints` and `name-constraints` are `Name`, `Constraints`. */
function wordsOf(text: string): string[] {
  const parts = text.split(/[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])/).filter(part => part !== '')
  return parts.map(part => `${part.charAt(0).toUpperCase()}${part.slice(1)}`)
}
