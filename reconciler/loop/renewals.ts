import { type Engine, EngineError, type MadePlan, type RunResult } from '../../engine/index.ts'
import { commit } from '../records/ports.ts'
import { fraction, nextPoll } from './backoff.ts'
import { type DueRenewal, dueRenewals } from './due-renewals.ts'
import { tellOfAll, tellOfExpiry } from './expiring.ts'
import {
  type FailedRenewal,
  failedAgain,
  failedRenewals,
  forgetFailedRenewal,
  putFailedRenewal,
  reasonOf,
} from './failed-renewals.ts'
import type { LoopPorts } from './ports.ts'

/** Owner of the renewal runs in history and audit; resources keep their own owner. */
const owner = 'service'
/** Milliseconds between two looks at what is due; the recorded windows tell without asking anybody. */
const lookInterval = 60_000
/** Seconds between two rounds in which every CA is asked for its present window (RFC 9773 §4.3.2 suggests six hours). */
const askInterval = 6 * 3600
/** Tenants at the same time: one whose CA does not answer holds up no other. */
const tenantsAtOnce = 4
/** Renewed under one lease, and at the same time: passes over sources wait for the lease, too. */
const batchSize = 25
const parallelism = 5
/** Milliseconds between two batches, in which whoever waits for the lease gets it. */
const betweenBatches = 2_000

/** Failures that all certificates of an account share: the others are not tried in vain, one timeout after another. */
const sharedFailures: ReadonlySet<string> = new Set([
  'acme_unreachable',
  'acme_untrusted',
  'acme_account_missing',
  'acme_terms_changed',
])

/**
 * Renews what is due, of every tenant and every owner: renewals always run, whatever a source's drift mode; what only
 * drift asks for is left to the sources. What fails has a backoff of its own, kept in the state.
 */
export async function renew(ports: LoopPorts, signal: AbortSignal): Promise<void> {
  let askAt = new Date(0)
  while (!signal.aborted) {
    const now = ports.clock.now()
    const offline = now < askAt
    if (!offline) askAt = nextPoll(now, askInterval, ports.random)
    const tenants = [...(await tenantsOf(ports))]
    const work = async () => {
      for (let tenant = tenants.shift(); tenant !== undefined && !signal.aborted; tenant = tenants.shift()) {
        await renewTenant(ports, tenant, offline, signal)
      }
    }
    await Promise.all(Array.from({ length: tenantsAtOnce }, work))
    await ports.clock.sleep(lookInterval, signal).catch(() => undefined)
  }
}

/** A state that cannot be read now can be read at the next look. */
async function tenantsOf({ store, log }: LoopPorts): Promise<readonly string[]> {
  try {
    return await store.tenants()
  } catch (error) {
    log.warn('renewals wait for the state', { reason: reasonOf(error) })
    return []
  }
}

/** One look at a tenant: what is due is renewed in batches, and what fails near its end is told. */
async function renewTenant(ports: LoopPorts, tenant: string, offline: boolean, signal: AbortSignal): Promise<void> {
  try {
    const engine = await ports.engineOfService(tenant)
    const made = await engine.plan({ mode: 'renew', leave: ['drift'], offline, signal })
    const failed = new Map(await failedRenewals(ports.store, tenant))
    const round: Round = { ports, tenant, engine, made, due: dueRenewals(made, failed), failed }
    await forgetWhatIsDone(round)
    await refuseWhatCannotBe(round)
    await renewInBatches(round, signal)
    const failing = round.due.flatMap(due => {
      const known = failed.get(due.address)
      return known ? [{ ...due, reason: known.reason }] : []
    })
    await tellOfExpiry(ports, tenant, failing)
  } catch (error) {
    if (signal.aborted) return
    ports.log.warn('renewals failed', { tenant, reason: reasonOf(error) })
    await tellOfAll(ports, tenant, reasonOf(error)).catch(failure =>
      ports.log.warn('what expires could not be told', { tenant, reason: reasonOf(failure) }),
    )
  }
}

interface Round {
  readonly ports: LoopPorts
  readonly tenant: string
  readonly engine: Engine
  readonly made: MadePlan
  /** The soonest to end first. */
  readonly due: readonly DueRenewal[]
  /** As the records stand; kept up to date within the round. */
  readonly failed: Map<string, FailedRenewal>
}

/** Renewed by somebody else meanwhile, changed, or gone. */
async function forgetWhatIsDone(round: Round): Promise<void> {
  const due = new Set(round.due.map(({ address }) => address))
  await forget(
    round,
    [...round.failed.keys()].filter(address => !due.has(address)),
  )
}

/** What the plan already knows to go wrong is not tried, and must not keep the others from being renewed. */
async function refuseWhatCannotBe(round: Round): Promise<void> {
  const errors = round.made.plan.document.preflight.filter(({ level }) => level === 'error')
  for (const due of round.due) {
    const found = errors.find(({ address }) => address === due.address || due.standsOn.has(address))
    if (!found || !isReady(round, due)) continue
    await remember(round, [due], new EngineError(found.code, found.message, { remedy: found.remedy }))
  }
}

function isReady({ failed, ports }: Round, { address, revision }: DueRenewal): boolean {
  const known = failed.get(address)
  return known?.revision !== revision || Date.parse(known.nextAttempt) <= ports.clock.now().getTime()
}

async function renewInBatches(round: Round, signal: AbortSignal): Promise<void> {
  const { clock, random } = round.ports
  const tried = new Set<string>()
  for (;;) {
    const batch = round.due.filter(due => !tried.has(due.address) && isReady(round, due)).slice(0, batchSize)
    if (batch.length === 0 || signal.aborted) return
    if (tried.size > 0) await clock.sleep(betweenBatches * (0.5 + fraction(random)), signal)
    for (const { address } of batch) tried.add(address)
    await learn(round, await renewBatch(round, batch, signal))
  }
}

/** Without asking anybody again: what is due is known, and is asked for by name. */
function renewBatch({ engine, due }: Round, batch: readonly DueRenewal[], signal: AbortSignal): Promise<RunResult> {
  return engine.locked('renew', { waitMs: 60_000, signal }, async locked => {
    const { resources } = await engine.snapshot()
    const revisions = new Map<string, number>(resources.map(({ address, revision }) => [address, revision]))
    const force = batch.flatMap(({ address, revision }) => (revisions.get(address) === revision ? [address] : []))
    const hold = due.flatMap(({ address }) => (force.includes(address) ? [] : [address]))
    const made = await engine.plan({ mode: 'renew', leave: ['drift'], offline: true, force, hold, signal })
    return locked.apply(made.plan, made.snapshot, { drain: signal, parallelism })
  })
}

async function learn(round: Round, { done, failed }: RunResult): Promise<void> {
  await forget(
    round,
    done.filter(address => round.failed.has(address)),
  )
  for (const { address, error } of failed) {
    const due = round.due.find(each => each.address === address)
    if (!due || (error instanceof EngineError && error.code === 'interrupted')) continue
    await remember(round, [due], error)
    if (!(error instanceof EngineError) || !sharedFailures.has(error.code)) continue
    const account = accountOf(due)
    const others = round.due.filter(each => accountOf(each) === account && isReady(round, each))
    if (account !== undefined) await remember(round, others, error)
  }
}

function accountOf({ standsOn }: DueRenewal): string | undefined {
  return [...standsOn].find(address => address.startsWith('AcmeAccount/'))
}

async function remember({ ports, tenant, failed }: Round, due: readonly DueRenewal[], error: unknown): Promise<void> {
  if (due.length === 0) return
  const now = ports.clock.now()
  const records = due.map(each => failedAgain(failed.get(each.address), { ...each, error }, now, ports.random))
  for (const record of records) failed.set(record.address, record)
  await commit(ports, tenant, owner, () => records.map(putFailedRenewal))
}

async function forget({ ports, tenant, failed }: Round, addresses: readonly string[]): Promise<void> {
  if (addresses.length === 0) return
  for (const address of addresses) failed.delete(address)
  await commit(ports, tenant, owner, () => addresses.map(forgetFailedRenewal))
}
