import type { Address } from '../core/address.ts'
import { parseDuration } from '../core/duration.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { Secret } from '../core/secret.ts'
import type { OpenedProvider } from './portfolio.ts'
import type { ProviderContext } from './provider.ts'
import { loadProvider } from './registry.ts'

/** A DnsProvider's spec, as far as opening it needs. */
export interface ProviderChoice {
  readonly address: Address
  readonly providerType: string
  /** Plain values as text; a field that is a secret has its value behind `secret`. */
  readonly credentials?: JsonObject
  readonly config?: JsonObject
  readonly managedZones: readonly string[]
  readonly propagation: {
    readonly timeout: string | number
    readonly ttl: string | number
    readonly nameservers: readonly string[]
  }
  /** The value of a secret field of `credentials`. */
  secret(field: string): Promise<Secret | undefined>
}

/** Opens a declared provider; nothing is sent yet. Throws what the provider's `open` throws for its settings. */
export async function openProvider(choice: ProviderChoice, context: ProviderContext): Promise<OpenedProvider> {
  const descriptor = await loadProvider(choice.providerType)
  const credentials: Record<string, Secret | undefined> = {}
  for (const [field, value] of Object.entries(choice.credentials ?? {})) {
    credentials[field] = isJsonObject(value) ? await choice.secret(field) : new Secret(String(value))
  }
  const { timeout, ttl, nameservers } = choice.propagation
  const settings = { config: choice.config ?? {}, credentials, ttl: parseDuration(ttl) }
  return {
    address: choice.address,
    managedZones: choice.managedZones,
    provider: descriptor.open(settings, context),
    propagation: { timeout: parseDuration(timeout), nameservers },
  }
}
