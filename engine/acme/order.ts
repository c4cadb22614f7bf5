import { isJsonObject } from '../core/json.ts'
import { type Answer, fieldsOf, jsonObject, malformed } from './answer.ts'
import { type Identifier, readIdentifier } from './identifier.ts'
import { poll } from './poll.ts'
import { type Problem, problemOf } from './problem.ts'
import { parseRetryAfter } from './retry-after.ts'
import { type AccountSession, postAs } from './session.ts'

/** RFC 8555 §7.1.3. */
export interface Order {
  readonly url: string
  /** `pending`, `ready`, `processing`, `valid` or `invalid`; a server may know more. */
  readonly status: string
  readonly expires: Date | undefined
  readonly identifiers: readonly Identifier[]
  readonly authorizations: readonly string[]
  readonly finalize: string
  readonly certificate: string | undefined
  readonly error: Problem | undefined
  /** Seconds. */
  readonly retryAfter: number | undefined
}

export interface OrderRequest {
  readonly identifiers: readonly Identifier[]
  /** One of the names in the directory's `meta.profiles`. */
  readonly profile?: string
  /** RFC 9773 §5: the CertID of the certificate that this one follows. */
  readonly replaces?: string
}

export async function createOrder(session: AccountSession, request: OrderRequest): Promise<Order> {
  const names = request.identifiers.map(each => each.value).join(' ')
  return session.trace.span('acme.new_order', { identifiers: names }, async () => {
    const answer = await session.post({
      key: session.key,
      kid: session.accountUrl,
      to: { entry: 'newOrder' },
      payload: {
        identifiers: request.identifiers.map(each => ({ ...each })),
        ...(request.profile !== undefined && { profile: request.profile }),
        ...(request.replaces !== undefined && { replaces: request.replaces }),
      },
    })
    const location = answer.header('location')
    if (location === undefined) throw malformed(answer, 'answered without the order URL')
    return readOrder(session, answer, new URL(location, answer.url).href)
  })
}

export async function fetchOrder(session: AccountSession, url: string): Promise<Order> {
  return readOrder(session, await postAs(session, url, ''), url)
}

/** Sends the CSR (RFC 8555 §7.4); the answer may already be `valid`, usually it is `processing`. */
export function finalizeOrder(session: AccountSession, order: Order, csr: Uint8Array): Promise<Order> {
  return session.trace.span('acme.finalize', { order: order.url }, async () => {
    const answer = await postAs(session, order.finalize, { csr: Buffer.from(csr).toString('base64url') })
    return readOrder(session, answer, order.url)
  })
}

/** Reads the order until its status is none of `passing`. */
export function pollOrder(
  session: AccountSession,
  url: string,
  passing: readonly string[],
  timeout: number,
): Promise<Order> {
  return session.trace.span('acme.poll_order', { order: url }, () =>
    poll<Order>({
      what: `order ${url}`,
      clock: session.clock,
      signal: session.signal,
      timeout,
      fetch: () => fetchOrder(session, url),
      settled: order => !passing.includes(order.status),
    }),
  )
}

function readOrder(session: AccountSession, answer: Answer, url: string): Order {
  const object = jsonObject(answer)
  const fields = fieldsOf(object, answer)
  const { error } = object
  return {
    url,
    status: fields.string('status'),
    expires: fields.optionalInstant('expires'),
    identifiers: fields.objects('identifiers').map(each => readIdentifier(fieldsOf(each, answer))),
    authorizations: fields.strings('authorizations'),
    finalize: fields.url('finalize'),
    certificate: fields.optionalUrl('certificate'),
    error: isJsonObject(error) ? problemOf(error, answer.status) : undefined,
    retryAfter: parseRetryAfter(answer.header('retry-after'), session.clock.now()),
  }
}
