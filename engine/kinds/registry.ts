import { type Kind, kindCatalogue, kinds } from '../../schemas/generated/catalogue.ts'
import { EngineError } from '../core/errors.ts'
import type { Driver } from './driver.ts'

/**
 * The drivers by kind. The schema names the folder (`kinds/acme-account.json` → `acme-account/driver.ts`); the bundler
 * turns the pattern into one chunk per kind. Only the kinds that are asked for are loaded.
 */
export async function loadDrivers(wanted: Iterable<string> = kinds): Promise<ReadonlyMap<string, Driver>> {
  const loaded = [...new Set(wanted)].map(async kind => [kind, await loadDriver(kind)] as const)
  return new Map(await Promise.all(loaded))
}

async function loadDriver(kind: string): Promise<Driver> {
  if (!Object.hasOwn(kindCatalogue, kind)) {
    throw new EngineError('kind_unknown', `there is no kind "${kind}"`, { remedy: `use one of ${kinds.join(', ')}` })
  }
  const folder = kindCatalogue[kind as Kind].file.replace(/^kinds\//, '').replace(/\.json$/, '') // its key was checked
  const { driver }: { readonly driver: Driver } = await import(`./${folder}/driver.ts`)
  return driver
}
