import { EngineError } from '../../engine/index.ts'
import type { ResourceName } from '../ports.ts'

const packageName = 'trustform'

/**
 * What a URN names: `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`. The name is all of the rest, colons included.
 * Throws `EngineError` for a URN of another package.
 */
export function resourceName(urn: string): ResourceName {
  const [, , qualified = '', ...rest] = urn.split('::')
  const type = qualified.slice(qualified.lastIndexOf('$') + 1)
  const [owner, module, kind] = type.split(':')
  if (owner !== packageName || module !== 'index' || !kind || rest.length === 0) {
    throw new EngineError('kind_unknown', `this provider has no resource of type ${type || urn}`, {
      remedy: `use one of the types of the package's schema, such as ${packageName}:index:Certificate`,
    })
  }
  return { urn, kind, name: rest.join('::') }
}
