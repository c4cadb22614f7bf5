import type { FastifyInstance } from 'fastify'
import type { Gauge, Registry } from 'prom-client'
import type { Services } from './services.ts'

export interface Metrics {
  readonly contentType: string
  /** Everything, or of one tenant what is not the process's own. */
  text(tenant: string | undefined): Promise<string>
}

/** Label sets beyond this are left out: a scrape must stay small, and the soonest to expire come first. */
const mostSeries = 10_000

/** Measures requests from now on; what the state knows is read at each scrape. */
export async function createMetrics(app: FastifyInstance, services: Services): Promise<Metrics> {
  const prometheus = await import('prom-client')
  const { Registry, Histogram, Gauge, collectDefaultMetrics } = prometheus.default ?? prometheus
  const own = new Registry()
  collectDefaultMetrics({ register: own })
  const requests = new Histogram({
    name: 'trustform_http_request_duration_seconds',
    help: 'Time to answer requests, by route.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    registers: [own],
  })
  app.addHook('onResponse', async ({ method, routeOptions }, reply) => {
    // The pattern, not the path: the number of series stays that of the routes.
    const labels = { method, route: routeOptions.url ?? '(none)', status: String(reply.statusCode) }
    requests.observe(labels, reply.elapsedTime / 1000)
  })
  const gauge = (registry: Registry, name: string, help: string, labelNames: string[]) =>
    new Gauge({ name: `trustform_${name}`, help, labelNames, registers: [registry] })

  return {
    contentType: own.contentType,
    async text(tenant) {
      const seen = new Registry()
      await Promise.all([
        observeSources(services, tenant, (...given) => gauge(seen, ...given)),
        observeCertificates(services, tenant, (...given) => gauge(seen, ...given)),
        ...(tenant === undefined ? [observeQueues(services, (...given) => gauge(seen, ...given))] : []),
      ])
      return tenant === undefined ? `${await own.metrics()}\n${await seen.metrics()}` : seen.metrics()
    },
  }
}

type MakeGauge = (name: string, help: string, labelNames: string[]) => Gauge

async function observeSources({ sources, observations }: Services, tenant: string | undefined, make: MakeGauge) {
  const labels = ['tenant', 'source']
  const condition = make('source_condition', 'Conditions of sources; 1 where the status holds.', [
    ...labels,
    'type',
    'status',
  ])
  const suspended = make('source_suspended', 'Whether a source is suspended.', labels)
  const drift = make('drift', 'Resources that changed outside and are left so.', labels)
  const failures = make('source_failures', 'Failed passes in a row.', labels)
  const lastRun = make('source_last_run_timestamp_seconds', 'When the last run began.', [...labels, 'state'])
  const pending = make('plans_pending', 'Plans that wait for approval.', labels)
  const names = new Map<string, { tenant: string; source: string }>()
  for (const source of await sources.everywhere()) {
    if (tenant !== undefined && source.tenant !== tenant) continue
    const named = { tenant: source.tenant, source: source.spec.name }
    names.set(source.id, named)
    for (const { type, status } of source.conditions) condition.set({ ...named, type, status }, 1)
    suspended.set(named, source.suspended ? 1 : 0)
    failures.set(named, source.failures)
    drift.set(named, source.drift?.length ?? 0)
    pending.set(named, 0)
  }
  const told = new Set<string>()
  for (const { sourceId, state, startedAt } of await observations.recentRuns({ tenant, limit: 1000 })) {
    const named = names.get(sourceId)
    if (!named || told.has(sourceId)) continue
    told.add(sourceId)
    lastRun.set({ ...named, state }, Date.parse(startedAt) / 1000)
  }
  for (const { sourceId } of await observations.pendingPlans({ tenant, limit: 1000 })) {
    const named = names.get(sourceId)
    if (named) pending.inc(named)
  }
}

async function observeCertificates({ observations }: Services, tenant: string | undefined, make: MakeGauge) {
  const labels = ['tenant', 'address', 'owner']
  const expiry = make('certificate_not_after_seconds', 'When a certificate ends, as Unix time.', labels)
  const failures = make('renewal_failures', 'Failed renewals in a row; absent while renewals go well.', labels)
  const next = make('renewal_next_attempt_timestamp_seconds', 'When a failing renewal is tried again.', labels)
  for (const { tenant: whose, address, owner, notAfter, failing } of await observations.expiries({
    tenant,
    limit: mostSeries,
  })) {
    const named = { tenant: whose, address, owner }
    expiry.set(named, Date.parse(notAfter) / 1000)
    if (!failing) continue
    failures.set(named, failing.failures)
    next.set(named, Date.parse(failing.nextAttempt) / 1000)
  }
}

async function observeQueues({ observations }: Services, make: MakeGauge) {
  const jobs = make('queue_jobs', 'Jobs by queue and state.', ['queue', 'state'])
  for (const [queue, states] of Object.entries(await observations.queueDepth())) {
    for (const [state, count] of Object.entries(states)) jobs.set({ queue, state }, count)
  }
}
