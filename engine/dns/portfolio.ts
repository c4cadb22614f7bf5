import type { Address } from '../core/address.ts'
import { EngineError } from '../core/errors.ts'
import { bestZone } from './managed-zones.ts'
import type { DnsProvider, Zone } from './provider.ts'

/** A DNS provider ready for use, as declared. */
export interface OpenedProvider {
  readonly address: Address
  readonly managedZones: readonly string[]
  readonly provider: DnsProvider
  readonly propagation: {
    /** Seconds; default 300. */
    readonly timeout?: number
    /** `host:port` of the servers to ask instead of the discovered ones. */
    readonly nameservers?: readonly string[]
  }
}

/** The opened providers with their zones, each listed at most once. */
export interface Portfolio {
  readonly providers: readonly OpenedProvider[]
  /** Throws `reference_unknown`. */
  get(address: string): OpenedProvider
  zones(opened: OpenedProvider): Promise<readonly Zone[]>
  /** The zone with the longest name that holds `name`. */
  zoneOf(opened: OpenedProvider, name: string): Promise<Zone | undefined>
  /** Names of its zones; for a service that cannot list them, the zone of `name`. */
  zoneNames(opened: OpenedProvider, name: string): Promise<readonly string[]>
}

export function createPortfolio(providers: readonly OpenedProvider[]): Portfolio {
  const lists = new Map<Address, Promise<readonly Zone[]>>()

  function zones({ address, provider }: OpenedProvider): Promise<readonly Zone[]> {
    let list = lists.get(address)
    if (list === undefined) {
      list = provider.zones()
      lists.set(address, list)
      // A failure is told to who asked and not remembered: a later attempt may succeed.
      list.catch(() => lists.delete(address))
    }
    return list
  }

  async function zoneOf(opened: OpenedProvider, name: string): Promise<Zone | undefined> {
    return bestZone(await zones(opened), name) ?? (await opened.provider.findZone?.(name))
  }

  return {
    providers,
    zones,
    zoneOf,
    async zoneNames(opened, name) {
      const zone = await zoneOf(opened, name)
      return zone ? [zone.name] : (await zones(opened)).map(each => each.name)
    },
    get(address) {
      const found = providers.find(opened => opened.address === address)
      if (found) return found
      throw new EngineError('reference_unknown', `${address} is not a known DNS provider`, {
        remedy: 'declare the DnsProvider, or correct dnsProvider',
      })
    },
  }
}
