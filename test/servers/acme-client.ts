import { generateKeyPairSync } from 'node:crypto'
import { signingKey } from '../../engine/acme/jws.ts'
import { type AcmeServer, openServer, type ServerOptions, type Session, signIn } from '../../engine/acme/session.ts'
import type { Dns01Target, TxtPlace } from '../../engine/acme/solvers/dns-01.ts'
import type { OperationJournal } from '../../engine/core/journal.ts'
import type { Log, Trace } from '../../engine/core/ports.ts'
import type { JournalStep } from '../../engine/core/resource.ts'
import type { Secret } from '../../engine/core/secret.ts'
import { createHttp } from '../../engine/net/http.ts'
import type { RunningChallengeServer } from './challtestsrv.ts'
import { quietTrace, systemClock } from './quiet.ts'

export const quiet: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined }

/** Remembers the spans that ran, for asserting on effects rather than on our own calls. */
export function recordingTrace(): Trace & { readonly names: readonly string[] } {
  const names: string[] = []
  return {
    names,
    span(name, _attributes, work) {
      names.push(name)
      return work()
    },
  }
}

/** Interrupts at the border of the n-th span of a name, as `kill` would: before the effect, or after it. */
export function interruptingTrace(name: string, when: 'before' | 'after', occurrence = 1): Trace {
  let seen = 0
  return {
    async span(current, _attributes, work) {
      if (current !== name || ++seen !== occurrence) return work()
      if (when === 'after') await work()
      throw new Interruption(`${when} ${name}`)
    },
  }
}

/** Not an EngineError: nothing may take it for a failure of its own area. */
export class Interruption extends Error {}

export interface ServerFacts {
  readonly directoryUrl: string
  readonly trustedRoots?: readonly string[]
}

export function clientOf(server: ServerFacts, options: Partial<ServerOptions> = {}): AcmeServer {
  return openServer({
    directoryUrl: server.directoryUrl,
    ...(server.trustedRoots && { trustedRoots: server.trustedRoots }),
    http: createHttp(),
    clock: systemClock,
    trace: quietTrace,
    log: quiet,
    ...options,
  })
}

export async function freshSession(server: ServerFacts, options: Partial<ServerOptions> = {}): Promise<Session> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return signIn(clientOf(server, options), await signingKey(privateKey))
}

/** The journal port over a map: what was written is there for a second attempt. */
export function memoryJournal(): OperationJournal & { readonly all: ReadonlyMap<string, JournalStep> } {
  const all = new Map<string, JournalStep>()
  const secrets = new Map<string, Secret<Uint8Array>>()
  const at = '2026-11-21T00:00:00.000Z'
  return {
    all,
    recall: step => all.get(step),
    steps: () => [...all.values()],
    async intend(step, data, sealed = {}) {
      for (const [name, secret] of Object.entries(sealed)) secrets.set(`${step} ${name}`, secret)
      const ids = Object.fromEntries(Object.keys(sealed).map(name => [name, `${step} ${name}`]))
      all.set(step, { step, state: 'intended', data: structuredClone(data), sealed: ids, at })
    },
    async complete(step, data = {}) {
      const known = all.get(step)
      if (!known) throw new Error(`the step ${step} was never intended`)
      all.set(step, { ...known, state: 'done', data: { ...known.data, ...structuredClone(data) } })
    },
    secret: async (step, name) => secrets.get(`${step} ${name}`),
  }
}

/** A dns-01 target on challtestsrv; `values` shows what stands in DNS now. */
export function challengeTarget(server: RunningChallengeServer): Dns01Target & {
  readonly values: ReadonlyMap<string, ReadonlySet<string>>
} {
  const values = new Map<string, Set<string>>()
  const at = (place: TxtPlace) => {
    const set = values.get(place.name) ?? new Set<string>()
    values.set(place.name, set)
    return set
  }
  return {
    values,
    locate: async name => ({ provider: 'DnsProvider/challtestsrv', zoneId: 'all', zone: 'example', name }),
    async present(place, value) {
      const set = at(place)
      if (set.has(value)) return
      set.add(value)
      await server.addTxt(place.name, value)
    },
    awaitVisible: async () => undefined,
    async cleanup(place, value) {
      const set = at(place)
      set.delete(value)
      // It removes whole RRsets only, so the others are put back.
      await server.clearTxt(place.name)
      for (const other of set) await server.addTxt(place.name, other)
      if (set.size === 0) values.delete(place.name)
    },
  }
}
