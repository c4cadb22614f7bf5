import { createEngine, type Engine, type EngineOptions, openStore } from '../index.ts'
import type { Context } from './context.ts'
import { logOf } from './log.ts'
import { stateUrl } from './settings.ts'

/** Opens the engine for a command's work and closes it whatever comes of it. */
export async function withEngine<T>(
  context: Context,
  work: (engine: Engine) => Promise<T>,
  more: { readonly state?: string; readonly network?: EngineOptions['network'] } = {},
): Promise<T> {
  const { io, options, overrides } = context
  const { wrapStore, ...replaced } = overrides
  const url = more.state ?? stateUrl(options, io)
  const store = wrapStore?.(await openStore(url))
  const engine = await createEngine({
    tenant: options.tenant,
    env: io.env,
    log: logOf(context),
    ...(more.network && { network: more.network }),
    ...replaced,
    state: store ?? url,
  })
  try {
    return await work(engine)
  } finally {
    await engine.close()
    await store?.close()
  }
}
