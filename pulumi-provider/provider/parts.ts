import type { Backend } from '../backend/backend.ts'
import type { ProviderSettings } from '../ports.ts'
import type { Program } from './program.ts'

/** What the verbs of a configured provider share. */
export interface Parts {
  readonly settings: ProviderSettings
  readonly program: Program
  /** The engine as the owner of a stack's resources; of no stack in particular without a URN. */
  backend(urn?: string): Promise<Backend>
}

/** `urn:pulumi:STACK::PROJECT::…` */
export function stackOf(urn: string): string {
  return urn.slice('urn:pulumi:'.length).split('::')[0] ?? ''
}
