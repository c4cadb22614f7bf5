import { kinds } from '../../schemas/generated/catalogue.ts'
import { EngineError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import { isKind } from './facts.ts'
import { nearest } from './suggestion.ts'

/**
 * The JSON Schema that an editor checks manifests with: of every kind, or of one. Throws `kind_unknown`.
 */
export async function schemaFor(kind?: string): Promise<JsonObject> {
  const { bundledSchema, documentSchemas } = await import('../../schemas/generated/validators/schemas.js')
  if (kind === undefined) return bundledSchema
  const schema = isKind(kind) ? documentSchemas[kind] : undefined
  if (schema !== undefined) return { $schema: 'https://json-schema.org/draft/2020-12/schema', ...schema }
  const meant = nearest(kind, kinds)
  throw new EngineError('kind_unknown', `there is no kind "${kind}"`, {
    remedy: `${meant ? `did you mean "${meant}"? ` : ''}Known kinds: ${kinds.join(', ')}`,
  })
}
