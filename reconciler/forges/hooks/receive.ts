import { createHash } from 'node:crypto'
import type { Json } from '../../../engine/index.ts'
import type { Hint } from '../forge.ts'
import { hintOf } from './events.ts'
import { type Delivery, type HookSender, isAuthentic } from './signature.ts'

export interface Received {
  /** Equal for repeated deliveries of one event; the caller drops what it has seen. Absent where nobody counts them. */
  readonly delivery?: string
  readonly hint: Hint
}

/** The headers in which senders count their deliveries, the one that survives a repetition first. */
const counters: Readonly<Record<HookSender, readonly string[]>> = {
  github: ['x-github-delivery'],
  gitlab: ['idempotency-key', 'x-gitlab-event-uuid'],
  gitea: ['x-gitea-delivery', 'x-forgejo-delivery'],
  generic: [],
}

/**
 * Checks a delivery and reads what it is about; undefined when whoever sent it does not know the secret. How large a
 * body may be is decided where it is read.
 */
export function receiveHook(sender: HookSender, secret: string, delivery: Delivery): Received | undefined {
  if (!isAuthentic(sender, secret, delivery)) return undefined
  const { headers, body } = delivery
  const counter = [...counters[sender], 'x-trustform-delivery'].find(name => headers[name])
  // The counter is not signed; the body is. Together they cannot make one event pass for another.
  const digest = createHash('sha256').update(body).digest('hex').slice(0, 32)
  return {
    ...(counter && { delivery: `${sender}:${headers[counter]?.slice(0, 128)}:${digest}` }),
    hint: hintOf(sender, headers, payloadOf(headers['content-type'], body)),
  }
}

/** JSON, or GitHub's older form of it; undefined for anything else. */
function payloadOf(type: string | undefined, body: Uint8Array): Json | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body)
    const isForm = type?.toLowerCase().startsWith('application/x-www-form-urlencoded')
    return JSON.parse(isForm ? (new URLSearchParams(text).get('payload') ?? '') : text)
  } catch {
    return undefined
  }
}
