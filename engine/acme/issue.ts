import { EngineError } from '../core/errors.ts'
import { deactivateAuthorization, fetchAuthorization } from './authorization.ts'
import { type Chain, certificateFault, downloadCertificate } from './certificate.ts'
import { type CertificateKey, certificateKey } from './certificate-key.ts'
import { withDeadline } from './deadline.ts'
import { namesOf } from './identifier.ts'
import { inParallel } from './in-parallel.ts'
import { defaultLimits, type Issuance, type IssuedCertificate } from './issuance.ts'
import { finalizeOrder, type Order, pollOrder } from './order.ts'
import { type DeadOrder, openOrder } from './order-intent.ts'
import { describeProblem, problemDetails, problemType } from './problem.ts'
import { validate } from './validation.ts'

/** Orders that one call gives up before it reports a failure. */
const mostReplacements = 2
/** Times that a `ready` order is finalized; more than once only when the CA says orderNotReady. */
const mostFinalizations = 5

/**
 * Obtains a certificate (RFC 8555 §7.4). It may be interrupted anywhere and called again with the same journal: it
 * goes on with the same key and the same order, or replaces an order that has died. On failure the challenges'
 * answers are removed; on success `cleanup` does it, once the certificate is recorded.
 */
export async function obtainCertificate(issuance: Issuance): Promise<IssuedCertificate> {
  const { session, solver } = issuance
  const limit = issuance.limits?.cleanup ?? defaultLimits.cleanup
  const cleanup = () => withDeadline(session.clock, limit, signal => solver.cleanup({ signal, trace: session.trace }))
  try {
    const key = await certificateKey(issuance)
    const { order, chain } = await fulfil(issuance, key)
    const [leaf, ...issuers] = chain
    return {
      leaf: leaf.der,
      chain: issuers.map(each => each.der),
      orderUrl: order.url,
      certificateUrl: order.certificate ?? '',
      ...(key.privateKey && { key: key.privateKey }),
      cleanup,
    }
  } catch (error) {
    // What cannot be removed stays in the journal, and the first failure is the one to tell.
    await cleanup().catch((failure: unknown) => session.log.warn(`acme: could not clean up: ${String(failure)}`))
    throw error
  }
}

interface Fulfilled {
  readonly order: Order
  readonly chain: Chain
}

async function fulfil(issuance: Issuance, key: CertificateKey): Promise<Fulfilled> {
  let dead: DeadOrder | undefined
  for (let replaced = 0; ; replaced++) {
    const order = await openOrder(issuance, dead)
    let result: Fulfilled | DeadOrder
    try {
      result = await advance(issuance, order, key)
    } catch (error) {
      if (isVerdict(error)) await abandon(issuance, order)
      throw error
    }
    if ('chain' in result) return result
    await abandon(issuance, order)
    if (replaced >= mostReplacements) {
      throw new EngineError('acme_order_failed', `the CA keeps giving orders that cannot be finished: ${result.why}`, {
        remedy: 'apply again in an hour; the CA may need to forget a failed validation first',
        details: { order: result.url },
      })
    }
    dead = result
  }
}

/** Drives an order through its states (RFC 8555 §7.1.6) from whichever it is in. */
async function advance(issuance: Issuance, opened: Order, key: CertificateKey): Promise<Fulfilled | DeadOrder> {
  const { session, progress } = issuance
  const timeout = issuance.limits?.order ?? defaultLimits.order
  let finalizations = 0
  for (let order = opened; ; ) {
    switch (order.status) {
      case 'pending': {
        const dead = await validate(issuance, order)
        if (dead) return dead
        // The order follows its last authorization; finalizing before would be orderNotReady.
        order = await pollOrder(session, order.url, ['pending'], timeout)
        break
      }
      case 'ready': {
        if (++finalizations > mostFinalizations) throw orderFailed(order, 'the CA never finds it ready')
        progress?.('finalizes the order')
        order = await finalize(issuance, order, key, timeout)
        break
      }
      case 'processing':
        progress?.('waits for the certificate')
        order = await pollOrder(session, order.url, ['processing'], timeout)
        break
      case 'valid': {
        if (order.certificate === undefined) {
          throw new EngineError('acme_malformed', `the order ${order.url} is valid and has no certificate`, {
            remedy: 'apply again; tell the CA if it stays so',
          })
        }
        progress?.('downloads the certificate')
        return download(issuance, order, order.certificate, key, opened.status === 'valid')
      }
      case 'invalid':
        throw orderFailed(order, order.error ? describeProblem(order.error) : 'the CA does not say why')
      default:
        throw orderFailed(order, `it is ${order.status}`)
    }
  }
}

async function finalize({ session }: Issuance, order: Order, key: CertificateKey, timeout: number): Promise<Order> {
  try {
    return await finalizeOrder(session, order, key.csr)
  } catch (error) {
    // Not ready yet (the CA's parts disagree for a moment), or past it because our first attempt arrived after all.
    if (problemType(error) !== 'orderNotReady') throw error
    await session.clock.sleep(1000, session.signal)
    return pollOrder(session, order.url, ['pending'], timeout)
  }
}

async function download(
  issuance: Issuance,
  order: Order,
  url: string,
  key: CertificateKey,
  adopted: boolean,
): Promise<Fulfilled | DeadOrder> {
  const { session, identifiers, preferredChain } = issuance
  const chain = await downloadCertificate(session, url, preferredChain)
  const expected = { spki: key.spki, names: namesOf(identifiers), now: session.clock.now() }
  const fault = certificateFault(chain, expected)
  if (fault === undefined) return { order, chain }
  // An order that was finished long ago may hold a certificate that has meanwhile expired.
  if (adopted) return { url: order.url, why: `its certificate ${fault}` }
  throw new EngineError('acme_malformed', `the certificate at ${url} ${fault}`, {
    remedy: 'apply again; tell the CA if it stays so',
    details: { url, serial: chain[0].serialHex },
  })
}

/** The CA has decided; waiting or resuming changes nothing, so what is left of the order can go. */
function isVerdict(error: unknown): boolean {
  return error instanceof EngineError && (error.code === 'challenge_failed' || error.code === 'acme_order_failed')
}

/**
 * Deactivates the authorizations that an order leaves pending: they count against the CA's limits until they expire.
 * Best effort.
 */
async function abandon({ session, limits }: Issuance, order: Order): Promise<void> {
  const { clock, trace, log } = session
  try {
    await withDeadline(clock, limits?.cleanup ?? defaultLimits.cleanup, async signal => {
      const own = session.within({ signal, trace, log })
      await inParallel(order.authorizations, 4, async url => {
        const authorization = await fetchAuthorization(own, url)
        if (authorization.status === 'pending') await deactivateAuthorization(own, url)
      })
    })
  } catch (error) {
    log.debug(`acme: could not deactivate what ${order.url} left pending: ${String(error)}`)
  }
}

function orderFailed(order: Order, why: string): EngineError {
  return new EngineError('acme_order_failed', `the order ${order.url} failed: ${why}`, {
    remedy: "correct what the CA's message names, then apply again",
    details: { order: order.url, status: order.status, ...(order.error && { problem: problemDetails(order.error) }) },
  })
}
