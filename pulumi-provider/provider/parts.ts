import type { Clock } from '../../engine/index.ts'
import type { Backend } from '../backend/backend.ts'
import type { ProviderSettings } from '../ports.ts'
import type { Program } from './program.ts'

/** What a provider takes from its process. */
export interface ProviderPorts {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Notes that concern no resource: a master key that was made. */
  readonly log?: (severity: 'info' | 'warning', message: string) => void
  /** The machine's own when absent. */
  readonly clock?: Clock
}

/** What the verbs of a configured provider share. */
export interface Parts {
  readonly settings: ProviderSettings
  readonly program: Program
  /** The engine as the owner of a stack's resources; of no stack in particular without a URN. */
  backend(urn?: string): Promise<Backend>
}

/**
 * `pulumi:PROJECT/STACK`, from `urn:pulumi:STACK::PROJECT::…`: every project has a stack `dev`, and one that took
 * another's resources for its own would change them.
 */
export function ownerOf(urn: string): string {
  const [stack = '', project = ''] = urn.slice('urn:pulumi:'.length).split('::')
  return `pulumi:${project}/${stack}`
}
