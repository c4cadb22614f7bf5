import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import type { buildConnector } from 'undici'
import type { ConnectGuard } from '../core/egress.ts'

export interface ConnectorOptions {
  readonly guard?: ConnectGuard
  /** Instead of the system's resolver. */
  readonly lookup?: LookupFunction
}

type Build = typeof buildConnector

/** A connector for one set of trusted roots; the system's roots and `NODE_EXTRA_CA_CERTS` when none are given. */
export function connectorFor(
  build: Build,
  roots: readonly string[] | undefined,
  options: ConnectorOptions,
): buildConnector.connector {
  const { guard } = options
  const lookup = guard ? guardedLookup(options.lookup ?? systemLookup, guard) : options.lookup
  const connect = build({
    allowH2: false, // one exchange at a time per connection keeps the body limit and the time limit exact
    autoSelectFamily: true,
    ...(roots !== undefined && { ca: [...roots] }),
    ...(lookup !== undefined && { lookup }),
  })
  if (!guard) return connect
  return (target, done) => {
    const address = target.hostname.replace(/^\[|\]$/g, '')
    // A literal address is never looked up.
    if (isIP(address) !== 0) {
      try {
        guard({ hostname: target.hostname, address })
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)), null)
        return
      }
    }
    connect(target, done)
  }
}

function guardedLookup(lookup: LookupFunction, guard: ConnectGuard): LookupFunction {
  return (hostname: string, options: LookupOptions, done) => {
    lookup(hostname, options, (error, found, family) => {
      if (error) {
        done(error, found, family)
        return
      }
      try {
        const addresses: readonly LookupAddress[] = Array.isArray(found)
          ? found
          : [{ address: found as string, family: family ?? 0 }] // `all` is not set, so it is one text
        for (const { address } of addresses) guard({ hostname, address })
      } catch (refusal) {
        done(refusal instanceof Error ? refusal : new Error(String(refusal)), found, family)
        return
      }
      done(null, found, family)
    })
  }
}
