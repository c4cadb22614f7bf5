import type { Clock } from '../../engine/index.ts'
import type { ProviderFactory } from '../ports.ts'
import { checkConfig, diffConfig, settingsOf } from './config.ts'

/** What a provider takes from its process. */
export interface ProviderPorts {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Notes that concern no resource: a master key that was made. */
  readonly log?: (severity: 'info' | 'warning', message: string) => void
  /** The machine's own when absent. */
  readonly clock?: Clock
}

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
