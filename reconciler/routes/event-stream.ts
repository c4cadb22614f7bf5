import type { Caller, LogFilter, Services } from '../services.ts'

/** Events read at once. */
const batch = 200

/**
 * The text of a stream of server-sent events (WHATWG HTML §9.2). Before each batch the key is asked for anew, so that
 * a revoked one sees nothing more; a comment now and then keeps proxies from closing what is silent.
 */
export async function* eventStream(
  { logs, keys }: Pick<Services, 'logs' | 'keys'>,
  caller: Caller,
  filter: LogFilter,
  { after, signal }: { readonly after?: number; readonly signal: AbortSignal },
): AsyncGenerator<string> {
  let position = after ?? (await latest(logs, caller.tenant))
  yield 'retry: 2000\n\n'
  while (!signal.aborted) {
    if (!(await keys.isActive(caller))) return
    const head = await latest(logs, caller.tenant)
    const { items, next } = await logs.events(caller.tenant, filter, { after: position, limit: batch })
    for (const event of items) {
      yield `id: ${event.sequence}\nevent: ${event.type.replaceAll(/[\r\n]/g, ' ')}\ndata: ${JSON.stringify(event)}\n\n`
      position = event.sequence
    }
    if (next !== undefined) continue
    // What the filter passed over is behind us, too.
    position = Math.max(position, head)
    const changed = await logs.changed(caller.tenant, position, signal)
    if (!changed && !signal.aborted) yield ': still here\n\n'
  }
}

async function latest(logs: Services['logs'], tenant: string): Promise<number> {
  const { items } = await logs.events(tenant, { newestFirst: true }, { limit: 1 })
  return items[0]?.sequence ?? 0
}
