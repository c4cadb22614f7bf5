import { type Address, formatAddress } from '../core/address.ts'
import type { Diagnostic, Position } from '../core/errors.ts'
import { topologicalOrder } from '../core/graph.ts'
import { isJsonObject } from '../core/json.ts'
import type { Reference, SecretField } from '../core/resource.ts'
import { addressOf, type Declared, factsOfDeclared, fieldInWords, locate, problemOf } from './declared.ts'
import { matches } from './pattern.ts'
import { calledBy, kindInWords, kindsInWords, listed, nearest } from './suggestion.ts'

export interface ReferenceIndex {
  /** Every resource that some document names, valid or not: a broken target is no unknown one. */
  readonly declared: readonly Declared[]
  readonly duplicates: ReadonlyMap<string, readonly Position[]>
  /** Whether a name may stand in a file that could not be read; what depends on it cannot be judged. */
  mayExist(name: string): boolean
}

/** Looks names up by kind, and stored secrets by path. */
export class ReferenceResolver {
  readonly #index: ReferenceIndex
  readonly #names = new Map<string, Set<string>>()
  readonly #secretsByPath = new Map<string, Declared>()

  constructor(index: ReferenceIndex) {
    this.#index = index
    for (const declared of index.declared) {
      const names = this.#names.get(declared.kind)
      if (names) names.add(declared.name)
      else this.#names.set(declared.kind, new Set([declared.name]))
      const spec = declared.value.spec
      if (declared.kind === 'Secret' && isJsonObject(spec) && typeof spec.path === 'string')
        this.#secretsByPath.set(spec.path, declared)
    }
  }

  /** The references of a resource, and what is wrong with them. */
  resolve(declared: Declared, secrets: readonly SecretField[]): { references: Reference[]; problems: Diagnostic[] } {
    const references: Reference[] = []
    const problems: Diagnostic[] = []
    for (const { pattern, kind } of factsOfDeclared(declared).refs) {
      for (const { pointer, value } of matches(declared.value.spec, pattern)) {
        const at = `/spec${pointer}`
        if (isJsonObject(value) && typeof value.external === 'string') {
          references.push({ pointer: at, kind, target: { external: value.external } })
        } else if (typeof value === 'string') {
          references.push({ pointer: at, kind, target: { name: value } })
          const problem = this.#problem(declared, at, kind, value)
          if (problem) problems.push(problem)
        }
      }
    }
    for (const { pointer, reference } of secrets) {
      if ('secret' in reference) this.#storedSecret(declared, `/spec${pointer}`, reference.secret, references, problems)
    }
    return { references, problems }
  }

  #problem(declared: Declared, pointer: string, kind: string, name: string): Diagnostic | undefined {
    const twice = this.#index.duplicates.get(formatAddress(kind, name))
    if (twice) {
      const places = twice.map(({ file, line, column }) => `${file}:${line}:${column}`).join(' and ')
      return problemOf(declared, pointer, {
        code: 'reference_ambiguous',
        message: `names a ${kindInWords(kind)} that is declared twice: "${name}"`,
        remedy: `remove or rename one of those at ${places}`,
      })
    }
    const names = this.#names.get(kind)
    if (names?.has(name) || this.#index.mayExist(name)) return undefined
    return problemOf(declared, pointer, {
      code: 'reference_unknown',
      message: `does not name a known ${kindInWords(kind)}: "${name}"`,
      remedy: unknownRemedy(kind, name, [...(names ?? [])].sort()),
    })
  }

  /** `{secret: PATH#FIELD}` of a Secret that this configuration declares is an edge; any other is stored already. */
  #storedSecret(
    declared: Declared,
    pointer: string,
    reference: string,
    references: Reference[],
    problems: Diagnostic[],
  ): void {
    const [path = '', field] = reference.split('#')
    const target = this.#secretsByPath.get(path)
    if (target === undefined) return
    references.push({ pointer, kind: target.kind, target: { name: target.name } })
    const data = isJsonObject(target.value.spec) ? target.value.spec.data : undefined
    if (field === undefined || !isJsonObject(data) || Object.hasOwn(data, field)) return
    const fields = Object.keys(data).sort()
    const meant = nearest(field, fields)
    problems.push(
      problemOf(declared, pointer, {
        code: 'reference_unknown',
        message: `names a field that ${calledBy(target.kind, target.name)} does not have: "${field}" at ${fieldInWords(pointer)}`,
        remedy: `${meant ? `did you mean "${meant}"? ` : ''}Its fields: ${listed(fields)}`,
      }),
    )
  }
}

function unknownRemedy(kind: string, name: string, names: readonly string[]): string {
  const plain = name.startsWith(`${kind}/`) ? name.slice(kind.length + 1) : name
  if (plain !== name && names.includes(plain)) return `write the name alone: "${plain}"`
  if (names.length === 0) return `declare it, or write {external: ID} for one that this configuration does not manage`
  const meant = nearest(plain, names)
  return `${meant ? `did you mean "${meant}"? ` : ''}${kindsInWords(kind)} in this configuration: ${listed(names)}`
}

/** Every circle among the resources, each told once with the places that make it. */
export function findCycles(
  resources: readonly Declared[],
  referencesOf: (declared: Declared) => readonly Reference[],
): Diagnostic[] {
  const byAddress = new Map<Address, Declared>(resources.map(declared => [addressOf(declared), declared]))
  const graph = new Map<Address, Address[]>()
  for (const [address, declared] of byAddress) {
    graph.set(
      address,
      referencesOf(declared).flatMap(({ kind, target }) =>
        'name' in target ? [formatAddress(kind, target.name)] : [],
      ),
    )
  }
  const problems: Diagnostic[] = []
  for (let ordered = topologicalOrder(graph); 'cycle' in ordered; ordered = topologicalOrder(graph)) {
    problems.push(cycleProblem(ordered.cycle, byAddress, referencesOf))
    for (const address of ordered.cycle) graph.delete(address)
  }
  return problems
}

function cycleProblem(
  cycle: readonly Address[],
  byAddress: ReadonlyMap<Address, Declared>,
  referencesOf: (declared: Declared) => readonly Reference[],
): Diagnostic {
  const steps = cycle.slice(0, -1).map((address, index) => {
    const declared = byAddress.get(address)
    const reference =
      declared &&
      referencesOf(declared).find(
        ({ kind, target }) => 'name' in target && formatAddress(kind, target.name) === cycle[index + 1],
      )
    return { address, reference, position: declared && reference && locate(declared, reference.pointer) }
  })
  const path = [
    ...steps.map(({ address, position }) =>
      position ? `${address} (${position.file}:${position.line}:${position.column})` : address,
    ),
    cycle.at(-1),
  ]
  const [first] = steps
  return {
    severity: 'error',
    code: 'reference_cycle',
    message: `resources refer to each other in a circle: ${path.join(' -> ')}`,
    remedy: 'remove one of these references',
    ...(first && { address: first.address }),
    ...(first?.position && { position: first.position }),
  }
}
