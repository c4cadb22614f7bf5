import type { OperationJournal } from '../../core/journal.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Trace } from '../../core/ports.ts'
import { dns01Name, dns01Value } from '../challenge.ts'
import { inParallel, throwTogether } from '../in-parallel.ts'
import type { ChallengeSolver, PendingChallenge } from '../solver.ts'

/**
 * Where a TXT value is written: plain facts that suffice to remove it again in another process, after CNAMEs were
 * followed and the provider was chosen.
 */
export interface TxtPlace {
  /** Address of the provider resource: `DnsProvider/dns`. */
  readonly provider: string
  readonly zoneId: string
  readonly zone: string
  /** The record's name: the challenge name, or where its CNAMEs lead. */
  readonly name: string
}

/** What the solver needs of the DNS side; `ChallengeDns` of `engine/dns/challenge.ts` is one. */
export interface Dns01Target {
  /** Finds the place for a challenge name without writing anything. */
  locate(challengeName: string, signal?: AbortSignal): Promise<TxtPlace>
  /** Adds one value to the TXT RRset; idempotent. */
  present(place: TxtPlace, value: string): Promise<void>
  /** Resolves when every authoritative server answers with all values. */
  awaitVisible(place: TxtPlace, values: readonly string[], challengeName?: string, signal?: AbortSignal): Promise<void>
  /** Removes exactly that value; idempotent. */
  cleanup(place: TxtPlace, value: string): Promise<void>
}

/**
 * Which values are in use by the operations of one run: a CA may give two orders the same authorization, and the
 * first to finish must not take the record from the other.
 */
export type TxtClaims = Map<string, number>

export interface Dns01Options {
  /** Opens the target under a signal: cleaning up has its own deadline, also when the operation was aborted. */
  readonly open: (signal: AbortSignal | undefined) => Dns01Target | Promise<Dns01Target>
  readonly journal: OperationJournal
  /** Shared by all operations of a run. */
  readonly claims?: TxtClaims
}

const prefix = 'txt:'

/** The journal's name for one TXT value. */
function txtStep(challengeName: string, value: string): string {
  return `${prefix}${challengeName}:${value}`
}

interface TxtRecord {
  readonly challengeName: string
  readonly place: TxtPlace
  readonly value: string
}

/** RFC 8555 §8.4. Each value is in the journal before it is written. */
export function createDns01Solver(options: Dns01Options): ChallengeSolver {
  const { journal } = options
  const claims: TxtClaims = options.claims ?? new Map()
  const claimed = new Map<string, string>()
  const places = new Map<string, Promise<TxtPlace>>()
  let opened: Promise<Dns01Target> | undefined

  function target(signal: AbortSignal | undefined): Promise<Dns01Target> {
    opened ??= Promise.resolve(options.open(signal))
    return opened
  }

  async function locate(challenge: PendingChallenge, signal: AbortSignal | undefined): Promise<TxtRecord> {
    const challengeName = dns01Name(challenge.identifier.value)
    let place = places.get(challengeName)
    if (!place) {
      place = target(signal).then(dns => dns.locate(challengeName, signal))
      places.set(challengeName, place)
      place.catch(() => places.delete(challengeName))
    }
    return { challengeName, place: await place, value: dns01Value(challenge.keyAuthorization) }
  }

  return {
    type: 'dns-01',
    async present(challenge, { trace, signal }) {
      const { challengeName, place, value } = await locate(challenge, signal)
      const step = txtStep(challengeName, value)
      const key = claimKey(place, value)
      const dns = await target(signal)
      const earlier = writtenRecord(journal, step)
      // A delegation changed since the last attempt: from now on this step names the new place only.
      if (earlier && claimKey(earlier.place, value) !== key) await remove(dns, trace, earlier.place, value)
      if (!claimed.has(step)) {
        claimed.set(step, key)
        claims.set(key, (claims.get(key) ?? 0) + 1)
      }
      await journal.intend(step, { ...place, value })
      await trace.span('dns.present', attributesOf(place), () => dns.present(place, value))
      await journal.complete(step)
    },
    async awaitReady(challenges, { signal }) {
      // Two names may lead to one record by CNAME.
      const records = new Map<string, { readonly record: TxtRecord; readonly values: string[] }>()
      for (const challenge of challenges) {
        const record = await locate(challenge, signal)
        const key = claimKey(record.place, '')
        const known = records.get(key) ?? { record, values: [] }
        known.values.push(record.value)
        records.set(key, known)
      }
      const dns = await target(signal)
      await inParallel([...records.values()], 8, ({ record, values }) =>
        dns.awaitVisible(record.place, values, record.challengeName, signal),
      )
    },
    async cleanup({ trace, signal }) {
      for (const [step, key] of claimed) {
        const others = (claims.get(key) ?? 1) - 1
        if (others > 0) claims.set(key, others)
        else claims.delete(key)
        claimed.delete(step)
      }
      await removeTxtRecords({ ...options, claims, trace }, signal)
    },
  }
}

const untraced: Trace = { span: (_name, _attributes, work) => work() }

/**
 * Removes every TXT value that the journal has as written or perhaps written: all that is needed after a crash.
 * Every value is tried; failures are reported together and their values stay in the journal.
 */
export async function removeTxtRecords(
  options: Dns01Options & { readonly trace?: Trace },
  signal?: AbortSignal,
): Promise<void> {
  const { journal, claims, trace = untraced } = options
  const failures: unknown[] = []
  let dns: Dns01Target | undefined
  for (const { step } of journal.steps()) {
    const record = step.startsWith(prefix) ? writtenRecord(journal, step) : undefined
    if (!record) continue
    const { place, value } = record
    try {
      // What another operation of this run still needs is in its own journal too, and removed from there.
      if ((claims?.get(claimKey(place, value)) ?? 0) === 0) {
        dns ??= await options.open(signal)
        await remove(dns, trace, place, value)
      }
      await journal.complete(step, { removed: true })
    } catch (error) {
      failures.push(error)
    }
  }
  throwTogether(failures)
}

function remove(dns: Dns01Target, trace: Trace, place: TxtPlace, value: string): Promise<void> {
  return trace.span('dns.cleanup', attributesOf(place), () => dns.cleanup(place, value))
}

function attributesOf({ provider, zone, name }: TxtPlace) {
  return { provider, zone, name }
}

function claimKey({ provider, zoneId, name }: TxtPlace, value: string): string {
  return `${provider} ${zoneId} ${name} ${value}`
}

/** The record of a step that may still stand in DNS. */
function writtenRecord(journal: OperationJournal, step: string): Omit<TxtRecord, 'challengeName'> | undefined {
  const data: JsonObject = journal.recall(step)?.data ?? {}
  const { provider, zoneId, zone, name, value, removed } = data
  if (removed === true || typeof provider !== 'string' || typeof name !== 'string' || typeof value !== 'string') {
    return undefined
  }
  return { place: { provider, zoneId: String(zoneId ?? ''), zone: String(zone ?? ''), name }, value }
}
