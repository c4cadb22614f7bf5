import { type Address, declareResource } from '../../engine/index.ts'
import {
  type CheckFailure,
  type ConfiguredProvider,
  type Properties,
  type ResourceName,
  SecretValue,
} from '../ports.ts'
import { addressIn, declarationOf, filledInputs, reasonOf, remember, wrongWishes } from './inputs.ts'
import type { Parts } from './parts.ts'
import { propertyPath } from './pointers.ts'

/** Validates, fills in defaults and the name; the state is not asked. */
export function createCheck({ program }: Pick<Parts, 'program'>): ConfiguredProvider['check'] {
  return async (resource, given, oldInputs) => {
    const { kind, urn } = resource
    const inputs = { ...given, ...nameFor(resource, given, oldInputs) }
    const failures = wrongWishes(kind, inputs)
    if (inputs.name === undefined) failures.push(unnamed(kind))
    if (inputs.name instanceof SecretValue) failures.push(secretName)
    const { resource: declared, diagnostics } = await declareResource(declarationOf(kind, inputs))
    for (const diagnostic of diagnostics) {
      if (inputs.name === undefined && diagnostic.pointer === '/metadata/name') continue
      failures.push({ property: propertyPath(diagnostic.pointer, inputs), reason: reasonOf(diagnostic) })
    }
    if (!declared || failures.length > 0) return { inputs, failures }
    const address = addressIn(kind, inputs)
    const other = address && program.claim(address, urn)
    if (address && other !== undefined) return { inputs, failures: [declaredTwice(address, other)] }
    const filled = await filledInputs(declared, inputs)
    remember(declared, filled)
    program.check(urn, filled, Object.keys(oldInputs).length === 0)
    return { inputs: filled, failures: [] }
  }
}

/** The program's word, else what the project's naming says, else the logical name. */
function nameFor(
  { name, autonaming }: ResourceName,
  given: Properties,
  oldInputs: Properties,
): { readonly name?: Properties[string] } {
  if (given.name !== undefined && given.name !== null) return { name: given.name }
  if (!autonaming) return { name }
  if (autonaming.mode === 'disable') return {}
  if (autonaming.mode === 'enforce') return { name: autonaming.proposed }
  // A proposal is another one each time; the first one stays.
  return { name: oldInputs.name ?? autonaming.proposed }
}

function unnamed(kind: string): CheckFailure {
  return {
    property: 'name',
    reason: `the project names nothing by itself, and this ${kind} has no name\n  remedy: set name`,
  }
}

/** Short ones could not even be taken out of messages, and the state, plans and history hold it in clear. */
const secretName: CheckFailure = {
  property: 'name',
  reason:
    'a name cannot be a secret: whatever is told of the resource begins with it\n  remedy: give it a name that may be seen; take the mark of a secret off with `unsecret` where it is none',
}

function declaredTwice(address: Address, other: string): CheckFailure {
  return {
    property: 'name',
    reason: `${address} is declared twice: also by ${other}\n  remedy: give one of them another name`,
  }
}
