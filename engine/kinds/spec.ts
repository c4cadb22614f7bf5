import type { JsonObject } from '../core/json.ts'

/**
 * A spec as its kind's type. Specs enter the engine only through the schema's validator, which fills in the defaults
 * that the type relies on.
 */
export function specOf<T>(holder: { readonly spec: JsonObject }): T {
  return holder.spec as unknown as T // see above: validated at the border
}
