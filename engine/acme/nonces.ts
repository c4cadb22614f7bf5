/**
 * Anti-replay nonces (RFC 8555 §6.5). Each is given out once, so concurrent requests never share one; the newest
 * goes first, because servers forget old ones.
 */
export interface NoncePool {
  take(): string | undefined
  /** Keeps the nonce of an answer; RFC 8555 §6.5.1 tells to ignore what is not base64url. */
  put(nonce: string | undefined): void
}

export function createNoncePool(capacity = 64): NoncePool {
  const nonces: string[] = []
  return {
    take: () => nonces.pop(),
    put(nonce) {
      if (!isNonce(nonce)) return
      nonces.push(nonce)
      if (nonces.length > capacity) nonces.shift()
    },
  }
}

/** Whether a `Replay-Nonce` value is one. */
export function isNonce(text: string | undefined): text is string {
  return text !== undefined && /^[A-Za-z0-9_-]+$/.test(text)
}
