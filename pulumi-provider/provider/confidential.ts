import { isIPv6 } from 'node:net'
import { domainToASCII } from 'node:url'
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
  const found = [...texts].toSorted((a, b) => b.length - a.length).map(inAnyCase)
  return text => found.reduce((told, secret) => told.replaceAll(secret, '(secret)'), text)

  function collect(value: Value, isSecret: boolean): void {
    if (value instanceof SecretValue) collect(value.value, true)
    else if (typeof value === 'string' || typeof value === 'number') {
      if (!isSecret) return
      for (const text of spellings(String(value))) if (text.length >= shortest) texts.add(text)
    } else if (typeof value === 'object' && value !== null) {
      for (const each of Object.values(value) as Value[]) collect(each, isSecret)
    }
  }
}

/** A text, and as the engine writes it when it is a name: the zone of a wildcard, in ASCII, addresses at their shortest. */
function spellings(text: string): readonly string[] {
  const at = text.lastIndexOf('@') + 1
  const [mailbox, host] = [text.slice(0, at), text.slice(at).replace(/^\*\./, '').replace(/\.$/, '')]
  if (isIPv6(host)) return [text, domainToASCII(`[${host}]`).slice(1, -1)]
  // Of what is no host it would keep the beginning, which may be any word.
  const isHost = /^[^\s/\\?#:@%[\]]+$/.test(host)
  return isHost ? [text, mailbox + host, mailbox + domainToASCII(host)] : [text]
}

const inAnyCase = (text: string) => new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'giu')
