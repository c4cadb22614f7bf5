import { type Properties, SecretValue, type Value } from '../ports.ts'

/** Shorter ones stand in many words by chance, and hide nothing. */
const shortest = 4

/**
 * Takes the texts of secrets out of whatever is told. Any input may be given as a secret, also one that the engine
 * knows as plain and names in its sentences.
 */
export function withoutSecrets(...given: readonly Properties[]): (text: string) => string {
  const texts = new Set<string>()
  for (const each of given) collect(each, false)
  // The longest first: one may hold another.
  const found = [...texts].toSorted((a, b) => b.length - a.length)
  return text => found.reduce((told, secret) => told.replaceAll(secret, '(secret)'), text)

  function collect(value: Value, isSecret: boolean): void {
    if (value instanceof SecretValue) collect(value.value, true)
    else if (typeof value === 'string' || typeof value === 'number') {
      const text = String(value)
      if (isSecret && text.length >= shortest) texts.add(text)
    } else if (typeof value === 'object' && value !== null) {
      for (const each of Object.values(value) as Value[]) collect(each, isSecret)
    }
  }
}
