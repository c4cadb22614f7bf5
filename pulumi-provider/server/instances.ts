import { EngineError } from '../../engine/index.ts'
import type { ConfiguredProvider, Properties, ProviderFactory } from '../ports.ts'

/**
 * The configured provider. A plugin process is configured once. One that the CLI attached to serves every provider of
 * the program and every run one after the other; a call does not say which it means, so a run has one configuration,
 * and the latest run counts.
 */
export interface Instances {
  /** Before `configure`: the CLI's gRPC address, which is another one in each run. */
  attach(address: string): void
  /** Throws `usage` for a configuration that is not the one that the run has. */
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
  let run: { readonly address: string; config?: Properties | undefined } = { address: '' }

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
    attach(address) {
      if (address !== run.address) run = { address }
    },
    async configure(config) {
      const made = await factory()
      const mine = run
      const before = mine.config
      if (before && made.diffConfig(before, config).fields.size > 0) throw anotherConfiguration()
      mine.config = config
      try {
        const provider = await made.configure(config)
        await replaceBy({ provider, users: 0, replaced: false })
      } catch (error) {
        mine.config = before
        throw error
      }
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

const anotherConfiguration = (): EngineError =>
  new EngineError('usage', 'a process that the CLI attached to has one configuration, and this is a second one', {
    remedy:
      'give all providers of the program the same configuration, or run it without PULUMI_DEBUG_PROVIDERS: each then has a process of its own',
  })
