import { isJsonObject, type Json, type JsonObject } from './json.ts'
import { pointerTo } from './pointer.ts'
import type { Pointer, SecretFingerprint } from './resource.ts'

/** Whether a value of a spec stands for a secret. */
export function isFingerprint(value: Json | undefined): value is JsonObject & SecretFingerprint {
  return isJsonObject(value) && typeof value.$secret === 'string'
}

/** Where a recorded spec holds secrets, as pointers below the spec. */
export function secretPointers(spec: JsonObject): Pointer[] {
  const found: Pointer[] = []
  walk([], spec)
  return found

  function walk(path: readonly (string | number)[], value: Json | undefined): void {
    if (isFingerprint(value)) found.push(pointerTo(...path))
    else if (Array.isArray(value)) value.forEach((item: Json, index) => void walk([...path, index], item))
    else if (isJsonObject(value)) for (const key of Object.keys(value)) walk([...path, key], value[key])
  }
}
