import type { ProviderFactory } from '../ports.ts'
import { checkConfig, diffConfig, settingsOf } from './config.ts'
import type { ProviderPorts } from './parts.ts'

/** Checks provider configurations and opens providers on them. */
export function createProviderFactory(ports: ProviderPorts): ProviderFactory {
  return {
    checkConfig,
    diffConfig,
    async configure(config) {
      const { openProvider } = await import('./provider.ts')
      return openProvider(settingsOf(config, ports.env), ports)
    },
  }
}
