import { EngineError } from '../core/errors.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import type { Issuance } from './issuance.ts'
import { createOrder, fetchOrder, type Order, type OrderRequest } from './order.ts'
import { problemType, upstreamStatus } from './problem.ts'

const step = 'order'

/**
 * The order of this issuance: the one that an earlier attempt placed while it lives, else a new one. The intent is
 * durable before newOrder, the order's URL after it. `dead` is an order found unusable, to be replaced.
 */
export async function openOrder(issuance: Issuance, dead?: DeadOrder): Promise<Order> {
  const recalled = issuance.journal.recall(step)?.data
  const url = dead ? undefined : recalled?.url
  if (typeof url !== 'string') return placeOrder(issuance, dead)
  const adopted = await adopt(issuance, url)
  if ('order' in adopted) {
    issuance.progress?.(`goes on with the order ${url}`)
    return adopted.order
  }
  return placeOrder(issuance, adopted)
}

/** An order that cannot become a certificate any more, and why. */
export interface DeadOrder {
  readonly url: string
  readonly why: string
}

async function adopt({ session }: Issuance, url: string): Promise<DeadOrder | { readonly order: Order }> {
  try {
    const order = await fetchOrder(session, url)
    // §7.1.6: an order that expires becomes invalid; a server may be late to say so.
    const expired = order.expires !== undefined && order.expires <= session.clock.now()
    if (order.status === 'invalid') return { url, why: 'it is invalid' }
    if (expired && order.status !== 'valid') return { url, why: 'it has expired' }
    return { order }
  } catch (error) {
    const status = upstreamStatus(error)
    // Forgotten, or of an account that we no longer use.
    if (status === 404 || status === 410 || problemType(error) === 'unauthorized') {
      return { url, why: `the CA answers ${status}` }
    }
    throw error
  }
}

async function placeOrder(issuance: Issuance, dead: DeadOrder | undefined): Promise<Order> {
  const { session, identifiers, journal, profile } = issuance
  const { meta, renewalInfo } = await session.directory()
  if (profile !== undefined && !Object.hasOwn(meta.profiles, profile)) throw profileUnknown(profile, meta.profiles)
  const request: OrderRequest = { identifiers, ...(profile !== undefined && { profile }) }
  // RFC 9773 §5: only where the CA speaks of renewal information at all.
  const replaces = renewalInfo === undefined ? undefined : issuance.replaces
  const before = replacedOrders(journal.recall(step)?.data)
  const replaced = dead ? [...before, { url: dead.url, why: dead.why }] : before
  if (dead) session.log.info('acme: replaces an order that cannot be finished', { order: dead.url, why: dead.why })
  issuance.progress?.('places the order')
  await journal.intend(step, { identifiers: identifiers.map(each => ({ ...each })), replaced })
  const order = await placedWithReplaces(issuance, request, replaces)
  await journal.complete(step, {
    url: order.url,
    finalize: order.finalize,
    authorizations: order.authorizations,
    ...(order.expires && { expires: order.expires.toISOString() }),
  })
  return order
}

/**
 * RFC 9773 §5: a certificate can be replaced once, so after a lost or failed attempt the CA may refuse `replaces`. It
 * is advice to the CA and never worth a certificate: then the order is placed without it.
 */
async function placedWithReplaces({ session }: Issuance, request: OrderRequest, replaces?: string): Promise<Order> {
  if (replaces === undefined) return createOrder(session, request)
  try {
    return await createOrder(session, { ...request, replaces })
  } catch (error) {
    if (!mayBeAboutReplaces(error)) throw error
    session.log.info('acme: the CA refuses the order as a replacement, placing it without', {
      problem: problemType(error),
    })
    return createOrder(session, request)
  }
}

/** Problems that certainly speak of something else; a second request would only cost budget. */
const unrelated: ReadonlySet<string> = new Set([
  'accountDoesNotExist',
  'caa',
  'externalAccountRequired',
  'invalidProfile',
  'rateLimited',
  'rejectedIdentifier',
  'unsupportedIdentifier',
  'userActionRequired',
])

/** Pebble answers 500 where it cannot find the predecessor, so an ACME problem counts whatever its status. */
function mayBeAboutReplaces(error: unknown): boolean {
  if (!(error instanceof EngineError)) return false
  const type = problemType(error)
  return type !== undefined && !unrelated.has(type)
}

function replacedOrders(data: JsonObject | undefined): readonly JsonObject[] {
  return Array.isArray(data?.replaced) ? data.replaced.filter(isJsonObject) : []
}

function profileUnknown(profile: string, offered: Readonly<Record<string, string>>): EngineError {
  const names = Object.keys(offered)
  return new EngineError('acme_refused', `the CA offers no profile "${profile}"`, {
    remedy: names.length === 0 ? 'leave profile out: this CA has none' : `use one of ${names.join(', ')}, or none`,
  })
}
