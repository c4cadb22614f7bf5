/**
 * Builds the servers and programs that take minutes, before the tests that need them are timed. With warm caches it
 * finds everything in place.
 */
import { ensureGitea, ensureServers } from './install.ts'
import { ensurePulumi } from './pulumi-install.ts'
import { ensurePulumiPython } from './pulumi-python.ts'

await ensureServers()
await ensureGitea()
await ensurePulumi()
await ensurePulumiPython()
