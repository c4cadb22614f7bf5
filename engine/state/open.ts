import { existsSync } from 'node:fs'
import { EngineError } from '../core/errors.ts'
import type { StateStore } from './store.ts'

interface Scheme {
  open(rest: string): Promise<StateStore>
  /** As `open`, but what is not there is made by the first write. */
  openWhenWritten(rest: string): Promise<StateStore>
  exists(rest: string): boolean
}

const openSqlite = async (path: string) => (await import('./stores/sqlite/store.ts')).openSqliteStore(path)
const sqliteExists = (path: string) => path === ':memory:' || existsSync(path)

const remedyOfUrl = 'write --state sqlite:PATH, for example sqlite:.trustform/state.db'

/** Each kind of store by the scheme of its URL; a store is loaded when it is opened. */
const schemes: Readonly<Record<string, Scheme>> = {
  sqlite: {
    open: openSqlite,
    async openWhenWritten(path) {
      if (sqliteExists(path)) return openSqlite(path)
      return (await import('./when-written.ts')).whenWritten({
        url: `sqlite:${path}`,
        exists: () => sqliteExists(path),
        open: () => openSqlite(path),
        openEmpty: () => openSqlite(':memory:'),
      })
    },
    exists: sqliteExists,
  },
  postgres: later('PostgreSQL'),
  postgresql: later('PostgreSQL'),
}

/**
 * Opens a state store: `sqlite:PATH`, relative to the working folder, created when it is not there. Throws `usage`
 * for an unknown scheme, and what the store throws when it cannot be opened.
 */
export async function openStore(url: string): Promise<StateStore> {
  const { scheme, rest } = parse(url)
  return scheme.open(rest)
}

/** As `openStore`, for who may only look: a store that is not there is made by the first write, and empty until then. */
export async function openStoreWhenWritten(url: string): Promise<StateStore> {
  const { scheme, rest } = parse(url)
  return scheme.openWhenWritten(rest)
}

/** Whether there is a state at a URL; looks without making one. Throws `usage` for an unknown scheme. */
export function stateExists(url: string): boolean {
  const { scheme, rest } = parse(url)
  return scheme.exists(rest)
}

function parse(url: string): { readonly scheme: Scheme; readonly rest: string } {
  const [, name = '', rest = ''] = /^([a-z]+):(.*)$/s.exec(url) ?? []
  const scheme = Object.hasOwn(schemes, name) ? schemes[name] : undefined
  if (scheme === undefined || rest === '') {
    // Only the scheme is repeated: a URL may hold a password.
    throw new EngineError('usage', name === '' || rest === '' ? 'the state has no URL' : `unknown state "${name}:"`, {
      remedy: remedyOfUrl,
    })
  }
  return { scheme, rest }
}

/** A store that configurations may name already. */
function later(name: string): Scheme {
  const refuse = () => {
    throw new EngineError('usage', `this version has no ${name} store yet`, { remedy: remedyOfUrl })
  }
  return { open: async () => refuse(), openWhenWritten: async () => refuse(), exists: refuse }
}
