import type { Address, DesiredResource } from '../../engine/index.ts'

/**
 * The program as far as this run has seen it. A preview is told resource by resource, and later ones stand on earlier
 * ones that exist only in it.
 */
export interface Program {
  /** Which resource of the program has an address; another one may not have it too. */
  holderOf(address: Address): string | undefined
  /** Answers who else has it. */
  claim(address: Address, urn: string): string | undefined
  /** What was previewed: declared, though not recorded. */
  readonly previewed: ReadonlyMap<Address, DesiredResource>
  preview(resource: DesiredResource): void
  /** From the first write on what is recorded counts. */
  begin(): void
}

export function createProgram(): Program {
  const holders = new Map<Address, string>()
  const addresses = new Map<string, Address>()
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
    previewed,
    preview: resource => void previewed.set(resource.address, resource),
    begin: () => previewed.clear(),
  }
}
