import { ensureServers } from './install.ts'

/** Vitest's global set-up of the `servers` project: what is missing is installed once, before any test file. */
export default ensureServers
