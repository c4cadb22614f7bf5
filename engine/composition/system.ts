import { randomFillSync } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock, Log, Random, Trace } from '../core/ports.ts'

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: async (ms, signal) => {
    try {
      await delay(ms, undefined, signal && { signal })
    } catch (error) {
      throw signal?.aborted ? signal.reason : error
    }
  },
}

/** Octets drawn in blocks: asking the kernel for each serial number would cost more than the signature. */
export function systemRandom(): Random {
  const pool = new Uint8Array(4096)
  let used = pool.length
  return {
    bytes(length) {
      if (length > pool.length) return randomFillSync(new Uint8Array(length))
      if (used + length > pool.length) {
        randomFillSync(pool)
        used = 0
      }
      const octets = pool.slice(used, used + length)
      // What was given out is not kept: it may become a key.
      pool.fill(0, used, used + length)
      used += length
      return octets
    },
  }
}

export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {} }

export const noTrace: Trace = { span: (_name, _attributes, work) => work() }
