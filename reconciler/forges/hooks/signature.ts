import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** Raw octets of a delivery and its headers, names in lower case. */
export interface Delivery {
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Uint8Array
}

/** Who may have sent a delivery; `generic` is everything that can make an HMAC. */
export type HookSender = 'github' | 'gitlab' | 'gitea' | 'generic'

interface Scheme {
  readonly header: string
  readonly proves: (value: string, secret: string, body: Uint8Array) => boolean
}

/** `sha256=` and 64 hexadecimal digits. */
const prefixed = (header: string): Scheme => ({
  header,
  proves: (value, secret, body) => value.startsWith('sha256=') && isHmac(value.slice(7), secret, body),
})

/** The digits alone. */
const bare = (header: string): Scheme => ({ header, proves: isHmac })

const own = prefixed('x-trustform-signature')

/** What each sender proves its deliveries with. SHA-1 signatures, which some send beside, prove nothing. */
const schemes: Readonly<Record<HookSender, readonly Scheme[]>> = {
  github: [prefixed('x-hub-signature-256'), own],
  // GitLab sends the secret itself (as documented; not tried on the live service).
  gitlab: [{ header: 'x-gitlab-token', proves: (value, secret) => equal(value, secret) }, own],
  // The same server under two names; it signs alike under each header.
  gitea: [bare('x-gitea-signature'), bare('x-forgejo-signature'), own],
  generic: [own],
}

/**
 * Whether a delivery comes from somebody who knows the secret: over the raw octets, in constant time. The first header
 * that is there decides, so that a wrong one is not made good by another.
 */
export function isAuthentic(sender: HookSender, secret: string, { headers, body }: Delivery): boolean {
  if (secret === '') return false
  for (const { header, proves } of schemes[sender]) {
    const value = headers[header]
    if (value !== undefined) return proves(value, secret, body)
  }
  return false
}

function isHmac(hex: string, secret: string, body: Uint8Array): boolean {
  if (!/^[0-9a-f]{64}$/i.test(hex)) return false
  return timingSafeEqual(Buffer.from(hex, 'hex'), createHmac('sha256', secret).update(body).digest())
}

/** Compares digests, so that not even the length of the secret takes its own time. */
function equal(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
