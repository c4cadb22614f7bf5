import { EngineError } from '../core/errors.ts'
import type { ProviderDescriptor } from './provider.ts'

/**
 * Loads a provider by its type. The folder is the registry: `providers/<type>/index.ts` exports `descriptor`; its
 * code is loaded when first used. The bundler turns this pattern into one chunk per provider.
 * Throws `schema_violation` for a type without a folder.
 */
export async function loadProvider(type: string): Promise<ProviderDescriptor> {
  if (!/^[a-z0-9]+$/.test(type)) throw unknownProvider(type)
  let loaded: { readonly descriptor: ProviderDescriptor }
  try {
    loaded = await import(`./providers/${type}/index.ts`)
  } catch (cause) {
    if (isMissing(cause, type)) throw unknownProvider(type)
    throw cause
  }
  return loaded.descriptor
}

/** Node and the bundle word it differently; both name the module. What that module itself lacks is a bug. */
const isMissing = (error: unknown, type: string): boolean =>
  error instanceof Error && error.message.includes(`providers/${type}/index.ts`)

function unknownProvider(type: string): EngineError {
  return new EngineError('schema_violation', `there is no DNS provider type "${type}"`, {
    remedy: 'see trustform dns types for the types',
  })
}
