import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { EngineError } from '../../engine/index.ts'
import type { Caller } from '../services.ts'

/** Requests a minute. */
export interface RateLimits {
  /** Of one address, whoever it is. */
  readonly address: number
  /** Of one API key. */
  readonly key: number
  /** Of one address, without a good key. */
  readonly failures: number
}

export const defaultRateLimits: RateLimits = { address: 6000, key: 3000, failures: 60 }

export interface Limiters {
  failure(request: FastifyRequest): Promise<void>
  caller(request: FastifyRequest, caller: Caller): Promise<void>
}

/** Counts requests of addresses from now on, and answers what counts the rest. Too many are `rate_limited`. */
export async function limitRates(app: FastifyInstance, limits: RateLimits): Promise<Limiters> {
  await app.register(rateLimit, { global: false })
  const timeWindow = 60_000
  const perAddress = app.createRateLimit({ max: limits.address, timeWindow })
  const perFailure = app.createRateLimit({ max: limits.failures, timeWindow })
  const perKey = app.createRateLimit({
    max: limits.key,
    timeWindow,
    keyGenerator: ({ caller, ip }) => caller?.keyId ?? ip,
  })
  type Check = typeof perAddress
  const check = async (limiter: Check, request: FastifyRequest, whose: string) => {
    const answer = await limiter(request)
    if (answer.isAllowed || !answer.isExceeded) return
    throw new EngineError('rate_limited', `too many requests of this ${whose}`, {
      remedy: 'wait, and ask less often',
      retryAfter: Math.max(1, answer.ttlInSeconds),
    })
  }
  app.addHook('onRequest', request => check(perAddress, request, 'address'))
  return {
    failure: request => check(perFailure, request, 'address'),
    caller: request => check(perKey, request, 'API key'),
  }
}
