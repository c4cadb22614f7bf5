import type { Address } from '../core/address.ts'
import type { RecordedResource } from '../core/resource.ts'

/** Recorded resources as a run knows them, by address, id and kind; kept current by the run's own commits. */
export class RecordedIndex {
  readonly #byAddress = new Map<Address, RecordedResource>()
  readonly #byId = new Map<string, RecordedResource>()
  readonly #byKind = new Map<string, Map<Address, RecordedResource>>()

  constructor(resources: Iterable<RecordedResource>) {
    for (const resource of resources) this.set(resource)
  }

  get(address: Address): RecordedResource | undefined {
    return this.#byAddress.get(address)
  }

  byId(id: string): RecordedResource | undefined {
    return this.#byId.get(id)
  }

  ofKind(kind: string): RecordedResource[] {
    return [...(this.#byKind.get(kind)?.values() ?? [])]
  }

  set(resource: RecordedResource): void {
    this.delete(resource.address)
    this.#byAddress.set(resource.address, resource)
    this.#byId.set(resource.id, resource)
    const same = this.#byKind.get(resource.kind)
    if (same) same.set(resource.address, resource)
    else this.#byKind.set(resource.kind, new Map([[resource.address, resource]]))
  }

  delete(address: Address): void {
    const known = this.#byAddress.get(address)
    if (!known) return
    this.#byAddress.delete(address)
    this.#byId.delete(known.id)
    this.#byKind.get(known.kind)?.delete(address)
  }
}
