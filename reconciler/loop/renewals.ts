import { EngineError, hasChanges, type RunResult } from '../../engine/index.ts'
import type { LoopPorts } from './ports.ts'

/** Owner of the renewal runs in history and audit; resources keep their own owner. */
const owner = 'service'
/** Between two looks at what is due; the recorded windows tell without asking anybody. */
const lookInterval = 60_000
/** Between two rounds in which every CA is asked for its present window (RFC 9773 §4.3.2 suggests six hours). */
const askInterval = 6 * 3_600_000

/**
 * Renews what is due, of every tenant and every owner: renewals always run, whatever a source's drift mode. What fails
 * is tried again at the next look, because the plan still has it.
 */
export async function renew(ports: LoopPorts, signal: AbortSignal): Promise<void> {
  let asked = 0
  while (!signal.aborted) {
    const now = ports.clock.now().getTime()
    const ask = now - asked >= askInterval
    if (ask) asked = now
    for (const tenant of await ports.store.tenants()) {
      if (signal.aborted) return
      await renewTenant(ports, tenant, !ask, signal).catch(error => {
        if (signal.aborted) return
        ports.log.warn('renewals failed', { tenant, error: error instanceof Error ? error.message : String(error) })
      })
    }
    await ports.clock.sleep(lookInterval, signal).catch(() => undefined)
  }
}

/** One round over a tenant. Answers undefined when nothing was due. */
async function renewTenant(
  ports: LoopPorts,
  tenant: string,
  offline: boolean,
  signal: AbortSignal,
): Promise<RunResult | undefined> {
  const engine = await ports.engineOfService(tenant)
  const { plan } = await engine.plan({ mode: 'renew', offline, signal })
  if (!hasChanges(plan.document)) return undefined
  const result = await engine.locked('renew', { waitMs: 60_000, signal }, async locked => {
    const made = await engine.plan({ mode: 'renew', offline, signal })
    return locked.apply(made.plan, made.snapshot, { drain: signal })
  })
  if (result.failed.length > 0) await warnOfExpiry(ports, tenant, result)
  return result
}

/** `certificate.expiring` for what could not be renewed and has less than a tenth of its lifetime left. */
async function warnOfExpiry(ports: LoopPorts, tenant: string, { failed }: RunResult): Promise<void> {
  const engine = await ports.engineOfService(tenant)
  const now = ports.clock.now()
  const listed = new Map((await engine.list({})).map(object => [object.address as string, object]))
  for (const { address, error } of failed) {
    const { notBefore, notAfter } = listed.get(address) ?? {}
    if (notBefore === undefined || notAfter === undefined) continue
    const left = Date.parse(notAfter) - now.getTime()
    if (left > (Date.parse(notAfter) - Date.parse(notBefore)) / 10) continue
    const day = now.toISOString().slice(0, 10)
    const id = `expiring:${address}:${day}`
    if (await ports.store.record(tenant, 'notice', id)) continue
    const reason = error instanceof EngineError ? `${error.code}: ${error.message}` : 'internal error'
    await ports.store.commit(tenant, {
      mutations: [
        { type: 'put-record', record: { collection: 'notice', id, data: { address, day } }, expectedVersion: 'any' },
        {
          type: 'append-log',
          entry: {
            log: 'event',
            at: now.toISOString(),
            type: 'certificate.expiring',
            actor: owner,
            subject: address,
            data: { notAfter, reason },
          },
        },
      ],
      actor: owner,
      at: now.toISOString(),
    })
  }
}
