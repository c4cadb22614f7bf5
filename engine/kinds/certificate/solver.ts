import type { CertificateSpec, DnsProviderSpec } from '../../../schemas/generated/types.ts'
import type { ChallengeSolver } from '../../acme/solver.ts'
import { createDns01Solver, type Dns01Options, type Dns01Target, type TxtClaims } from '../../acme/solvers/dns-01.ts'
import { createChallengeDns } from '../../dns/challenge.ts'
import { openProvider } from '../../dns/open-provider.ts'
import { dnsReach } from '../../dns/reach.ts'
import type { OperationContext } from '../driver.ts'
import { specOf } from '../spec.ts'

/** Answers the spec's kind of challenge; one listener and one set of TXT claims serve all runs under a lease. */
export async function solverFor(spec: CertificateSpec, context: OperationContext): Promise<ChallengeSolver> {
  if (spec.challengeType !== 'http-01') return createDns01Solver(await dns01Options(spec, context))
  // Node's server takes some 40 ms to load (measured 2026-11), and few certificates ever need it.
  const { createHttp01Responder, createHttp01Solver } = await import('../../acme/solvers/http-01.ts')
  const listen = context.network.http01Listen
  return createHttp01Solver(await context.shared(`http-01 ${listen}`, async () => createHttp01Responder(listen)))
}

/** What writing and removing TXT records takes; removing needs nothing else. */
export async function dns01Options(
  spec: Pick<CertificateSpec, 'dnsProvider'>,
  context: OperationContext,
): Promise<Dns01Options> {
  const claims = await context.shared('txt claims', async (): Promise<TxtClaims> => new Map())
  return { journal: context.journal, claims, open: signal => openDns(spec, context, signal) }
}

async function openDns(
  { dnsProvider }: Pick<CertificateSpec, 'dnsProvider'>,
  context: OperationContext,
  signal: AbortSignal | undefined,
): Promise<Dns01Target> {
  const { http, clock, log, trace, network } = context
  const { resolver, guard } = network
  const recorded = await context.openAll('DnsProvider')
  // First match wins over providers in the order of their creation.
  const inOrder = recorded.toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : a.createdAt > b.createdAt ? 1 : 0))
  const ports = { http, clock, log, dns: dnsReach(network).transport, ...(signal && { signal }) }
  const providers = await Promise.all(
    inOrder.map(each => {
      const secret = (field: string) => each.secret(`/credentials/${field}`)
      return openProvider({ address: each.address, ...specOf<DnsProviderSpec>(each), secret }, ports)
    }),
  )
  const override = dnsProvider === undefined ? undefined : (await context.open('DnsProvider', dnsProvider)).address
  return createChallengeDns({ providers, override, clock, trace, log, resolver, guard })
}
