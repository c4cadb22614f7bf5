import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EngineError } from '../core/errors.ts'
import { bestZone } from './managed-zones.ts'
import type { DnsProvider, Zone } from './provider.ts'

/** A provider beside a look at what its servers answer: all that the contract needs to know of a service. */
export interface ContractSubject {
  readonly provider: DnsProvider
  /** The same with credentials that the service refuses. */
  readonly stranger: DnsProvider
  /** The upstream's own words for that. */
  readonly strangerIsTold: RegExp
  /** A zone that the provider serves, and another one below it, both publicly served. */
  readonly zone: string
  readonly childZone: string
  /** A zone that must not be offered because it cannot be written (private, secondary), where there are such. */
  readonly hiddenZone?: string
  /** TXT values served at a name, sorted; asked of the servers, not of the provider. */
  served(name: string): Promise<readonly string[]>
  /** Writes a record as somebody else would; `text` for TXT, an address for A. */
  writeForeign(zone: string, name: string, type: 'TXT' | 'A', content: string): Promise<void>
  /** Whether the address is still served at the name. */
  servesAddress(name: string, address: string): Promise<boolean>
  stop(): Promise<void>
}

/**
 * What every DNS provider does (see `DnsProvider`), told against a running service. A provider's tests call this
 * once; what a service does not have (paging, 429) is left to the provider's own tests.
 */
export function describeDnsProvider(title: string, start: () => Promise<ContractSubject>): void {
  describe(`the DNS provider contract: ${title}`, () => {
    let subject: ContractSubject
    let zone: Zone
    beforeAll(async () => {
      subject = await start()
      zone = await zoneOf(subject, subject.zone)
    })
    afterAll(() => subject?.stop())

    test('lists zones under lower-case names without a final dot', async () => {
      const zones = await subject.provider.zones()
      const names = zones.map(each => each.name)
      expect(names).toEqual(expect.arrayContaining([subject.zone, subject.childZone]))
      expect(names).toEqual(names.map(name => name.toLowerCase().replace(/\.$/, '')))
      if (subject.hiddenZone !== undefined) expect(names).not.toContain(subject.hiddenZone)
    })

    test('adds a value beside a foreign one and removes only its own', async () => {
      const { name, value } = fresh(subject.zone)
      await subject.writeForeign(subject.zone, name, 'TXT', 'foreign')
      await subject.provider.present(zone, name, value)
      expect(await subject.served(name)).toEqual(['foreign', value].toSorted())
      await subject.provider.cleanup(zone, name, value)
      expect(await subject.served(name)).toEqual(['foreign'])
    })

    test('holds two values at one name and removes either first', async () => {
      const { name, value } = fresh(subject.zone)
      const other = freshValue()
      await subject.provider.present(zone, name, value)
      await subject.provider.present(zone, name, other)
      expect(await subject.served(name)).toEqual([value, other].toSorted())
      await subject.provider.cleanup(zone, name, value)
      expect(await subject.served(name)).toEqual([other])
      await subject.provider.cleanup(zone, name, other)
      expect(await subject.served(name)).toEqual([])
    })

    test('does nothing the second time', async () => {
      const { name, value } = fresh(subject.zone)
      await subject.provider.present(zone, name, value)
      await subject.provider.present(zone, name, value)
      expect(await subject.served(name)).toEqual([value])
      await subject.provider.cleanup(zone, name, value)
      await subject.provider.cleanup(zone, name, value)
      expect(await subject.served(name)).toEqual([])
    })

    test('removing a value that was never there leaves the others', async () => {
      const { name, value } = fresh(subject.zone)
      await subject.provider.present(zone, name, value)
      await subject.provider.cleanup(zone, name, freshValue())
      expect(await subject.served(name)).toEqual([value])
      await subject.provider.cleanup(zone, name, value)
    })

    test('leaves other types at the same name alone', async () => {
      // A host name: servers refuse addresses at names with an underscore.
      const name = fresh(subject.zone).name.replace('_acme-challenge.', '')
      const value = freshValue()
      await subject.writeForeign(subject.zone, name, 'A', '192.0.2.7')
      await subject.provider.present(zone, name, value)
      await subject.provider.cleanup(zone, name, value)
      expect(await subject.servesAddress(name, '192.0.2.7')).toBe(true)
    })

    test.each<[what: string, labels: string]>([
      ['at the apex itself', ''],
      ['for the apex', '_acme-challenge.'],
      ['many labels deep', '_acme-challenge.a.b.c.d.e.'],
    ])('writes %s', async (_what, labels) => {
      const name = `${labels}${subject.zone}`
      const value = freshValue()
      await subject.provider.present(zone, name, value)
      expect(await subject.served(name)).toContain(value)
      await subject.provider.cleanup(zone, name, value)
      expect(await subject.served(name)).not.toContain(value)
    })

    test('writes into the zone with the longest name', async () => {
      const { name, value } = fresh(subject.childZone)
      const child = await zoneOf(subject, name)
      expect(child.name).toBe(subject.childZone)
      await subject.provider.present(child, name, value)
      expect(await subject.served(name)).toEqual([value])
      await subject.provider.cleanup(child, name, value)
      expect(await subject.served(name)).toEqual([])
    })

    test('keeps a value whose letters differ only in case', async () => {
      const { name } = fresh(subject.zone)
      await subject.provider.present(zone, name, 'aBc')
      await subject.provider.present(zone, name, 'AbC')
      await subject.provider.cleanup(zone, name, 'aBc')
      expect(await subject.served(name)).toEqual(['AbC'])
      await subject.provider.cleanup(zone, name, 'AbC')
    })

    test.each(['zones', 'present', 'cleanup'] as const)('tells a stranger why: %s', async verb => {
      const { name, value } = fresh(subject.zone)
      const attempt = verb === 'zones' ? subject.stranger.zones() : subject.stranger[verb](zone, name, value)
      const error = await attempt.then(() => undefined, caught)
      expect(error?.code).toBe('dns_unauthorized')
      expect(error?.message).toMatch(subject.strangerIsTold)
      expect(error?.remedy).toBeTruthy()
    })
  })
}

async function zoneOf({ provider }: ContractSubject, name: string): Promise<Zone> {
  const zone = bestZone(await provider.zones(), name)
  if (zone === undefined) throw new Error(`the provider has no zone for ${name}`)
  return zone
}

function caught(error: unknown): EngineError {
  if (error instanceof EngineError) return error
  throw error
}

/** A value as ACME has them (RFC 8555 §8.4): 43 characters of base64url. */
const freshValue = () => randomBytes(32).toString('base64url')

function fresh(zone: string): { readonly name: string; readonly value: string } {
  return { name: `_acme-challenge.t${randomBytes(4).toString('hex')}.${zone}`, value: freshValue() }
}
