import { EngineError } from './errors.ts'

/** A resource's address: kind and name, unique per tenant; `Certificate/edge`. */
export type Address = `${string}/${string}`

export interface AddressParts {
  readonly kind: string
  readonly name: string
}

export function formatAddress(kind: string, name: string): Address {
  return `${kind}/${name}`
}

/** Splits `Kind/name`. Throws `address_invalid`; whether the kind exists is the caller's question. */
export function parseAddress(text: string): AddressParts {
  const slash = text.indexOf('/')
  if (slash <= 0 || slash === text.length - 1) {
    throw new EngineError('address_invalid', `"${text}" is not an address`, {
      remedy: 'write it as Kind/name, for example Certificate/edge',
    })
  }
  return { kind: text.slice(0, slash), name: text.slice(slash + 1) }
}
