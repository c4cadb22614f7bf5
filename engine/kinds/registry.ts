import { type Kind, kindCatalogue, kinds } from '../../schemas/generated/catalogue.ts'
import { EngineError } from '../core/errors.ts'
import type { Driver } from './driver.ts'

/**
 * The drivers by kind. The schema names the folder (`kinds/acme-account.json` → `acme-account/driver.ts`); the bundler
 * turns the pattern into one chunk per kind. Only the kinds that are asked for are loaded.
 */
export async function loadDrivers(wanted: Iterable<string> = kinds): Promise<ReadonlyMap<string, Driver>> {
  const drivers = [...new Set(wanted)].map(async kind => [kind, await loadDriver(kind)] as const)
  return new Map(await Promise.all(drivers))
}

/** Node looks a module up again whenever it is imported: too long for doors that ask about one resource at a time. */
const loaded = new Map<string, Driver>()

async function loadDriver(kind: string): Promise<Driver> {
  const known = loaded.get(kind)
  if (known) return known
  if (!Object.hasOwn(kindCatalogue, kind)) {
    throw new EngineError('kind_unknown', `there is no kind "${kind}"`, { remedy: `use one of ${kinds.join(', ')}` })
  }
  const folder = kindCatalogue[kind as Kind].file.replace(/^kinds\//, '').replace(/\.json$/, '') // its key was checked
  const { driver }: { readonly driver: Driver } = await import(`./${folder}/driver.ts`)
  loaded.set(kind, driver)
  return driver
}
