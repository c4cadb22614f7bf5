import { told } from '../../engine/index.ts'
import { commit } from '../records/ports.ts'
import type { LoopPorts } from './ports.ts'

/** Something whose renewal fails. */
export interface Failing {
  readonly address: string
  /** ISO instants. */
  readonly notBefore: string
  readonly notAfter: string
  /** Never a secret. */
  readonly reason: string
}

/** Which days were told already; records, so that no restart tells one twice. */
const collection = 'notice'
const actor = 'service'

/**
 * `certificate.expiring` for what cannot be renewed and has less than a tenth of its lifetime left: once a day for
 * each, with the reason.
 */
export async function tellOfExpiry(
  ports: Pick<LoopPorts, 'store' | 'clock' | 'log'>,
  tenant: string,
  failing: readonly Failing[],
): Promise<void> {
  const now = ports.clock.now()
  const day = now.toISOString().slice(0, 10)
  for (const { address, notBefore, notAfter, reason } of failing) {
    const left = Date.parse(notAfter) - now.getTime()
    if (left > (Date.parse(notAfter) - Date.parse(notBefore)) / 10) continue
    const id = `expiring:${address}:${day}`
    if (await ports.store.record(tenant, collection, id)) continue
    const record = { collection, id, data: { address, day } }
    await commit(ports, tenant, actor, at => [
      { type: 'put-record', record, expectedVersion: null },
      told('certificate.expiring', { at, actor, subject: address, data: { notAfter, reason } }),
    ])
    ports.log.warn('a certificate nears its end and cannot be renewed', { tenant, address, notAfter, reason })
  }
}

/** Where nothing can be renewed at all: everything that should be. */
export async function tellOfAll(ports: LoopPorts, tenant: string, reason: string): Promise<void> {
  const { resources } = await ports.store.snapshot(tenant)
  const failing = resources.flatMap(({ address, kind, spec, status }): Failing[] => {
    const { notBefore, notAfter } = status
    const renewed = kind === 'CertificateAuthority' || (kind === 'Certificate' && spec.autoRenew !== false)
    if (!renewed || typeof notBefore !== 'string' || typeof notAfter !== 'string') return []
    return [{ address, notBefore, notAfter, reason }]
  })
  await tellOfExpiry(ports, tenant, failing)
}
