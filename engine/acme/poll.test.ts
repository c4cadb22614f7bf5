import { expect, test } from 'vitest'
import type { Clock } from '../core/ports.ts'
import { poll } from './poll.ts'

/** Time that passes only by sleeping. */
function steppingClock(): Clock & { readonly waits: number[] } {
  let now = 0
  const waits: number[] = []
  return {
    waits,
    now: () => new Date(now),
    async sleep(ms, signal) {
      signal?.throwIfAborted()
      waits.push(ms)
      now += ms
    },
  }
}

function polled(answers: readonly (number | undefined)[], timeout = 60_000, signal?: AbortSignal) {
  const clock = steppingClock()
  let asked = 0
  const result = poll<{ readonly done: boolean }>({
    what: 'the order',
    clock,
    signal,
    timeout,
    fetch: async () => ({ done: asked >= answers.length, retryAfter: answers[asked++] }),
    settled: value => value.done,
  })
  return { result, waits: clock.waits }
}

const cases: [what: string, retryAfters: (number | undefined)[], want: number[]][] = [
  ['what is settled is not waited for', [], []],
  ['the server sets the pace', [3, 1], [3000, 1000]],
  ['a server that says now is not hammered', [0, 0], [250, 250]],
  ['without a word the pauses grow', [undefined, undefined, undefined], [250, 400, 640]],
]
test.each(cases)('%s', async (_what, retryAfters, want) => {
  const { result, waits } = polled(retryAfters)
  await result
  expect(waits).toEqual(want)
})

test('a pause never exceeds five seconds by itself', async () => {
  const { result, waits } = polled(Array.from({ length: 12 }, () => undefined))
  await result
  expect(waits.at(-1)).toBe(5000)
})

test('a wait beyond the limit is told at once, with the time to come back', async () => {
  const { result, waits } = polled([3600])
  await expect(result).rejects.toMatchObject({ code: 'backend_timeout', retryAfter: 3600 })
  expect(waits).toEqual([])
})

test('what never settles ends', async () => {
  const { result, waits } = polled(Array.from({ length: 1000 }, () => undefined))
  await expect(result).rejects.toThrow('the CA did not finish the order within 60 s')
  expect(waits.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(60_000)
})

test('an interruption ends it', async () => {
  const { result } = polled([1], 60_000, AbortSignal.abort(new Error('told to stop')))
  await expect(result).rejects.toThrow('told to stop')
})
