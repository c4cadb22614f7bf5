import { EngineError } from '../../engine/index.ts'
import type { ConfiguredProvider, Properties, ProviderFactory } from '../ports.ts'

/**
 * The configured provider. A plugin process is configured once. One that the CLI attached to serves every provider of
 * the program and every update one after the other; a call does not say which it means, so the latest one counts.
 */
export interface Instances {
  configure(config: Properties): Promise<void>
  use<T>(work: (provider: ConfiguredProvider) => Promise<T>): Promise<T>
  close(): Promise<void>
}

interface Instance {
  readonly provider: ConfiguredProvider
  users: number
  replaced: boolean
}

export function createInstances(factory: () => Promise<ProviderFactory>): Instances {
  let current: Instance | undefined

  /** What still uses a provider keeps it open. */
  async function closeUnused(instance: Instance): Promise<void> {
    if (instance.replaced && instance.users === 0) await instance.provider.close()
  }
  async function replaceBy(next: Instance | undefined): Promise<void> {
    const previous = current
    current = next
    if (!previous) return
    previous.replaced = true
    await closeUnused(previous)
  }

  return {
    async configure(config) {
      const provider = await (await factory()).configure(config)
      await replaceBy({ provider, users: 0, replaced: false })
    },
    async use(work) {
      const instance = current
      if (!instance)
        throw new EngineError('usage', 'the provider is not configured', { remedy: 'call Configure first' })
      instance.users++
      try {
        return await work(instance.provider)
      } finally {
        instance.users--
        await closeUnused(instance)
      }
    },
    close: () => replaceBy(undefined),
  }
}
