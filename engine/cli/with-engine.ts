import {
  createEngine,
  type Engine,
  EngineError,
  type EngineOptions,
  openStore,
  stateExists,
  visible,
} from '../index.ts'
import type { Context } from './context.ts'
import { logOf } from './log.ts'
import { stateUrl } from './settings.ts'

interface Opening {
  /** In place of the state that the options name. */
  readonly state?: string
  readonly network?: EngineOptions['network']
}

/**
 * As `withEngine`, for commands that only look or that mend what is there: without a state they make none. Throws
 * `not_found`.
 */
export async function withState<T>(
  context: Context,
  work: (engine: Engine) => Promise<T>,
  more: Opening = {},
): Promise<T> {
  const url = more.state ?? stateUrl(context.options, context.io)
  if (await stateExists(url)) return withEngine(context, work, more)
  throw new EngineError('not_found', `there is no state at ${visible(url)}`, {
    remedy: 'apply a configuration first, or name the state with --state or TRUSTFORM_STATE',
  })
}

/** Opens the engine for a command's work and closes it whatever comes of it. */
export async function withEngine<T>(
  context: Context,
  work: (engine: Engine) => Promise<T>,
  more: Opening = {},
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
