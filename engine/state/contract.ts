import { describe } from 'vitest'
import { declaredState } from './contract/declared.ts'
import { inventory } from './contract/inventory.ts'
import { isolation } from './contract/isolation.ts'
import { jobs } from './contract/jobs.ts'
import { journal } from './contract/journal.ts'
import { leases } from './contract/leases.ts'
import { logs } from './contract/logs.ts'
import { records } from './contract/records.ts'
import type { StoreUnderTest } from './contract/samples.ts'

/** What every state store must do. Call it from the store's own test. */
export function describeStateStore(name: string, store: StoreUnderTest): void {
  describe(`state store contract: ${name}`, () => {
    describe('declared state', () => declaredState(store))
    describe('inventory', () => inventory(store))
    describe('journal', () => journal(store))
    describe('leases', () => leases(store))
    describe('records', () => records(store))
    describe('logs', () => logs(store))
    describe('jobs', () => jobs(store))
    describe('isolation', () => isolation(store))
  })
}
