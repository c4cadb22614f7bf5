import manifest from '../package.json' with { type: 'json' }
import { runPlugin } from './server/process/plugin.ts'

void runPlugin(process.argv.slice(2), {
  version: manifest.version,
  factory: async tell => (await import('./provider/factory.ts')).createProviderFactory({ env: process.env, log: tell }),
  schema: async () => JSON.stringify((await import('./schema/package.ts')).pulumiSchema(manifest.version)),
})
