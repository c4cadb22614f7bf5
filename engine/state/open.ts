import { EngineError } from '../core/errors.ts'
import type { StateStore } from './store.ts'

/** Each kind of store by the scheme of its URL; a store is loaded when it is opened. */
const stores: Readonly<Record<string, (rest: string) => Promise<StateStore>>> = {
  sqlite: async path => (await import('./stores/sqlite/store.ts')).openSqliteStore(path),
}

/**
 * Opens a state store: `sqlite:PATH`, relative to the working folder, created when it is not there. Throws `usage`
 * for an unknown scheme, and what the store throws when it cannot be opened.
 */
export async function openStore(url: string): Promise<StateStore> {
  const [, scheme = '', rest = ''] = /^([a-z]+):(.*)$/s.exec(url) ?? []
  const open = Object.hasOwn(stores, scheme) ? stores[scheme] : undefined
  if (open === undefined || rest === '') {
    // Only the scheme is repeated: a URL may hold a password.
    throw new EngineError(
      'usage',
      scheme === '' || rest === '' ? 'the state has no URL' : `unknown state "${scheme}:"`,
      {
        remedy: 'write --state sqlite:PATH, for example sqlite:.trustform/state.db',
      },
    )
  }
  return open(rest)
}
