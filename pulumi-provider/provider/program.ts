import type { Address, DesiredResource } from '../../engine/index.ts'
import type { Properties } from '../ports.ts'

/**
 * The program as far as this run has seen it. A preview is told resource by resource, and later ones stand on earlier
 * ones that exist only in it.
 */
export interface Program {
  /** Which resource of the program has an address; another one may not have it too. */
  holderOf(address: Address): string | undefined
  /** Answers who else has it. */
  claim(address: Address, urn: string): string | undefined
  /** A resource was checked with these inputs; `isNew` without former ones. */
  check(urn: string, inputs: Properties, isNew: boolean): void
  /** As they were checked last. */
  inputsOf(urn: string): Properties | undefined
  /** A resource was compared with the object of this id. */
  compare(urn: string, id: string): void
  /**
   * The object whose place another one is to take, until it has. The CLI never says so: it checks a resource as a new
   * one after it was compared, whether our answer asked for the replacement or the program (`replaceOnChanges`).
   */
  replacedId(urn: string): string | undefined
  /** What was to be deleted first is replaced by what is created next. */
  replace(urn: string, id: string): void
  /** Checked as a new one, and not created yet. */
  isAwaited(urn: string): boolean
  /** A resource was made or found, as this object. */
  create(urn: string, id: string): void
  /** As what it was, in this run. */
  createdId(urn: string): string | undefined
  /** What was previewed: declared, though not recorded. */
  readonly previewed: ReadonlyMap<Address, DesiredResource>
  preview(resource: DesiredResource): void
  /** From the first write on what is recorded counts. */
  begin(): void
}

export function createProgram(): Program {
  const holders = new Map<Address, string>()
  const addresses = new Map<string, Address>()
  const inputs = new Map<string, Properties>()
  const compared = new Map<string, string>()
  const replaced = new Map<string, string>()
  const created = new Map<string, string>()
  const awaited = new Set<string>()
  const previewed = new Map<Address, DesiredResource>()
  return {
    holderOf: address => holders.get(address),
    claim(address, urn) {
      const other = holders.get(address)
      if (other !== undefined && other !== urn) return other
      const former = addresses.get(urn)
      if (former !== undefined) holders.delete(former)
      holders.set(address, urn)
      addresses.set(urn, address)
      return undefined
    },
    check(urn, checked, isNew) {
      if (isNew) awaited.add(urn)
      const id = compared.get(urn)
      if (isNew && id !== undefined) replaced.set(urn, id)
      inputs.set(urn, checked)
    },
    inputsOf: urn => inputs.get(urn),
    compare: (urn, id) => void compared.set(urn, id),
    replacedId: urn => replaced.get(urn),
    replace: (urn, id) => void replaced.set(urn, id),
    isAwaited: urn => awaited.has(urn),
    create(urn, id) {
      awaited.delete(urn)
      compared.delete(urn)
      replaced.delete(urn)
      created.set(urn, id)
    },
    createdId: urn => created.get(urn),
    previewed,
    preview: resource => void previewed.set(resource.address, resource),
    begin: () => previewed.clear(),
  }
}
