import { EngineError } from '../core/errors.ts'
import type { Clock, Log, Trace } from '../core/ports.ts'
import type { NameServer } from './authority.ts'
import type { DnsTransport, Protocol } from './exchange.ts'
import { type Answer, type Probe, probesOf, readTexts } from './probe.ts'

export interface PropagationRequest {
  /** The name of the TXT record, after CNAMEs. */
  readonly name: string
  /** Every server must show all of them; others beside them are fine. */
  readonly values: readonly string[]
  readonly servers: readonly NameServer[]
  /** Seconds; default 300. */
  readonly timeout?: number
  /** Milliseconds before the second look; it doubles up to `longestPause`. Default 1,000. */
  readonly firstPause?: number
}

export interface PropagationContext {
  readonly transport: DnsTransport
  readonly clock: Clock
  readonly trace: Trace
  readonly log: Log
  readonly signal?: AbortSignal | undefined
}

const longestPause = 10_000

/** Looks in a row without a usable answer after which a server no longer holds up the rest. */
const givenUpAfter = 3

/**
 * Waits until every authoritative server shows every value, on each of its addresses over UDP and over TCP: the CA
 * may ask any of them either way. Only these servers are asked; a resolver would remember the absence.
 *
 * A server that gave no usable answer (silent, refused, SERVFAIL, not authoritative) in three looks in a row is
 * left out with a warning, as the CA's resolver passes over it too; one that answers without the value is waited
 * for. At least one server must show the values. Throws `propagation_timeout` with each server's last answer, and
 * `egress_refused` at once where the guard lets us ask none of them.
 */
export function awaitPropagation(request: PropagationRequest, context: PropagationContext): Promise<void> {
  const servers = request.servers.map(server => server.name).join(' ')
  return context.trace.span('dns.await_propagation', { name: request.name, servers }, () => watch(request, context))
}

async function watch(request: PropagationRequest, context: PropagationContext): Promise<void> {
  const { clock, signal } = context
  const deadline = clock.now().getTime() + (request.timeout ?? 300) * 1000
  const states = probesOf(request.servers).map(probe => ({ probe, failures: 0, last: undefined as Answer | undefined }))
  let pause = request.firstPause ?? 1000
  for (;;) {
    await Promise.all(
      states.map(async state => {
        if (state.last !== undefined && shows(state.last, request.values)) return
        state.last = await readTexts(state.probe, request.name, context)
        state.failures = state.last.usable ? 0 : state.failures + 1
      }),
    )
    signal?.throwIfAborted()
    const refusals = states.flatMap(({ last }) => last?.refusal ?? [])
    // Waiting does not change what may be reached.
    if (refusals[0] && refusals.length === states.length) throw refusals[0]
    const waiting = states.filter(({ last }) => !last || !shows(last, request.values))
    const done = states.length > waiting.length && waiting.every(({ failures }) => failures >= givenUpAfter)
    if (done) return reportLeftOut(waiting, request.name, context.log)
    const left = deadline - clock.now().getTime()
    if (left <= 0) throw timedOut(request, waiting)
    await clock.sleep(Math.min(pause, left), signal)
    pause = Math.min(pause * 2, longestPause)
  }
}

interface ProbeState {
  readonly probe: Probe
  readonly last: Answer | undefined
}

const shows = (answer: Answer, values: readonly string[]): boolean =>
  answer.usable && values.every(value => answer.values.includes(value))

function reportLeftOut(states: readonly ProbeState[], name: string, log: Log): void {
  for (const { probe, last } of states) {
    log.warn('a name server was left out of the propagation check', {
      name,
      server: probe.label,
      protocol: probe.protocol,
      answer: last?.words,
    })
  }
}

function timedOut({ name, values, timeout, servers }: PropagationRequest, waiting: readonly ProbeState[]): EngineError {
  const answers = waiting.map(
    ({ probe, last }) => `${probe.label} over ${spelled(probe.protocol)}: ${last?.words ?? 'not asked'}`,
  )
  const reasons = servers.length === 0 ? ['no authoritative server is known'] : answers
  const minimum = Math.max(0, ...waiting.map(({ last }) => last?.minimum ?? 0))
  const memory = minimum > 0 ? `; a resolver that asked too early may remember the absence for up to ${minimum} s` : ''
  const what = values.length === 1 ? 'the TXT value' : `all ${values.length} TXT values`
  return new EngineError(
    'propagation_timeout',
    `not every authoritative server shows ${what} of ${name} after ${timeout ?? 300} s: ${reasons.join('; ')}${memory}`,
    {
      remedy: 'check that the record reaches these servers, or raise propagation.timeout of the DNS provider',
      details: {
        name,
        servers: waiting.map(({ probe, last }) => ({
          server: probe.label,
          protocol: probe.protocol,
          answer: last?.words ?? 'not asked',
        })),
        ...(minimum > 0 && { negativeCacheSeconds: minimum }),
      },
    },
  )
}

const spelled = (protocol: Protocol) => protocol.toUpperCase()
