import { type Address, formatAddress, parseAddress } from '../../core/address.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { Zone } from '../../dns/provider.ts'
import { dns01Name, dns01Value } from '../challenge.ts'
import { inParallel, throwTogether } from '../in-parallel.ts'
import type { IssuanceJournal } from '../journal.ts'
import type { ChallengeSolver, PendingChallenge } from '../solver.ts'

/**
 * Where a TXT value is written: plain facts that suffice to remove it again in another process, after CNAMEs were
 * followed and the provider was chosen.
 */
export interface TxtLocation {
  /** The domain, without `*.`. */
  readonly identifier: string
  /** The record's name: the challenge name, or where its CNAMEs lead. */
  readonly fqdn: string
  readonly provider: Address
  readonly zone: Zone
}

/** What the solver needs of the DNS side; `ChallengeDns` of `engine/dns/challenge.ts` is one. */
export interface Dns01Target {
  /** Finds the place for a domain without writing anything. */
  locate(identifier: string): Promise<TxtLocation>
  /** Adds one value to the TXT RRset; idempotent. */
  present(location: TxtLocation, value: string): Promise<void>
  /** Resolves when every authoritative server answers with all values. */
  awaitVisible(location: TxtLocation, values: readonly string[]): Promise<void>
  /** Removes exactly that value; idempotent. */
  cleanup(location: TxtLocation, value: string): Promise<void>
}

/**
 * Which values are in use by the operations of one run: a CA may give two orders the same authorization, and the
 * first to finish must not take the record from the other.
 */
export type TxtClaims = Map<string, number>

export interface Dns01Options {
  /** Opens the target under a signal: cleaning up has its own deadline, also when the operation was aborted. */
  readonly open: (signal: AbortSignal | undefined) => Dns01Target | Promise<Dns01Target>
  readonly journal: IssuanceJournal
  /** Shared by all operations of a run. */
  readonly claims?: TxtClaims
}

const prefix = 'txt:'

/** The journal's name for one TXT value. */
export function txtStep(challengeName: string, value: string): string {
  return `${prefix}${challengeName}:${value}`
}

interface Located {
  readonly location: TxtLocation
  readonly value: string
}

/** RFC 8555 §8.4. Each value is in the journal before it is written. */
export function createDns01Solver(options: Dns01Options): ChallengeSolver {
  const { journal } = options
  const claims: TxtClaims = options.claims ?? new Map()
  const claimed = new Map<string, string>()
  const locations = new Map<string, Promise<TxtLocation>>()
  let opened: Promise<Dns01Target> | undefined

  function target(signal: AbortSignal | undefined): Promise<Dns01Target> {
    opened ??= Promise.resolve(options.open(signal))
    return opened
  }

  async function locate(challenge: PendingChallenge, signal: AbortSignal | undefined): Promise<Located> {
    const domain = challenge.identifier.value
    let location = locations.get(domain)
    if (!location) {
      location = target(signal).then(open => open.locate(domain))
      locations.set(domain, location)
      location.catch(() => locations.delete(domain))
    }
    return { location: await location, value: dns01Value(challenge.keyAuthorization) }
  }

  return {
    type: 'dns-01',
    async present(challenge, signal) {
      const { location, value } = await locate(challenge, signal)
      const step = txtStep(dns01Name(challenge.identifier.value), value)
      const key = claimKey(location, value)
      const dns = await target(signal)
      const earlier = writtenRecord(journal, step)
      // A delegation changed since the last attempt: this step will name the new place only.
      if (earlier && claimKey(earlier.location, value) !== key) await dns.cleanup(earlier.location, value)
      if (!claimed.has(step)) {
        claimed.set(step, key)
        claims.set(key, (claims.get(key) ?? 0) + 1)
      }
      await journal.intend(step, recordData(location, value))
      await dns.present(location, value)
      await journal.complete(step)
    },
    async awaitReady(challenges, signal) {
      const records = new Map<string, { readonly location: TxtLocation; readonly values: string[] }>()
      for (const challenge of challenges) {
        const { location, value } = await locate(challenge, signal)
        const key = claimKey(location, '')
        const record = records.get(key) ?? { location, values: [] }
        record.values.push(value)
        records.set(key, record)
      }
      const dns = await target(signal)
      await inParallel([...records.values()], 8, ({ location, values }) => dns.awaitVisible(location, values))
    },
    async cleanup(signal) {
      for (const [step, key] of claimed) {
        const others = (claims.get(key) ?? 1) - 1
        if (others > 0) claims.set(key, others)
        else claims.delete(key)
        claimed.delete(step)
      }
      await removeTxtRecords({ ...options, claims }, signal)
    },
  }
}

/**
 * Removes every TXT value that the journal has as written or perhaps written: all that is needed after a crash.
 * Every value is tried; failures are reported together and their values stay in the journal.
 */
export async function removeTxtRecords(options: Dns01Options, signal?: AbortSignal): Promise<void> {
  const { journal, claims } = options
  const failures: unknown[] = []
  let dns: Dns01Target | undefined
  for (const { step } of journal.steps()) {
    const record = step.startsWith(prefix) ? writtenRecord(journal, step) : undefined
    if (!record) continue
    const { location, value } = record
    try {
      // What another operation of this run still needs is in its own journal too, and removed from there.
      if ((claims?.get(claimKey(location, value)) ?? 0) === 0) {
        dns ??= await options.open(signal)
        await dns.cleanup(location, value)
      }
      await journal.complete(step, { removed: true })
    } catch (error) {
      failures.push(error)
    }
  }
  throwTogether(failures)
}

function claimKey({ provider, zone, fqdn }: TxtLocation, value: string): string {
  return `${provider} ${zone.id} ${fqdn} ${value}`
}

function recordData({ identifier, fqdn, provider, zone }: TxtLocation, value: string): JsonObject {
  const { id, name, nameservers } = zone
  return { identifier, fqdn, provider, zone: { id, name, nameservers }, value }
}

/** The record of a step that may still stand in DNS. */
function writtenRecord(journal: IssuanceJournal, step: string): Located | undefined {
  const data = journal.recall(step)?.data
  if (!data || data.removed === true) return undefined
  const { identifier, fqdn, provider, zone, value } = data
  if (typeof identifier !== 'string' || typeof fqdn !== 'string' || typeof value !== 'string') return undefined
  if (typeof provider !== 'string' || !isJsonObject(zone)) return undefined
  const { kind, name } = parseAddress(provider)
  const nameservers = Array.isArray(zone.nameservers) ? zone.nameservers.map(String) : []
  return {
    location: {
      identifier,
      fqdn,
      provider: formatAddress(kind, name),
      zone: { id: String(zone.id ?? ''), name: String(zone.name ?? ''), nameservers },
    },
    value,
  }
}
