import { expect, test } from 'vitest'
import { createTurns } from './turns.ts'

/** Work that ends when told to, and notes when it began. */
function held(log: string[], name: string) {
  const { promise, resolve } = Promise.withResolvers<void>()
  const work = () => {
    log.push(name)
    return promise
  }
  return { work, finish: () => resolve() }
}

test('work under one key runs one after another, under two keys at once', async () => {
  const log: string[] = []
  const turns = createTurns()
  const [first, second, other] = [held(log, 'first'), held(log, 'second'), held(log, 'other')]
  const done = [turns.take('a', first.work), turns.take('a', second.work), turns.take('b', other.work)]
  await Promise.resolve()
  await Promise.resolve()
  expect(log).toEqual(['first', 'other'])
  first.finish()
  await done[0]
  await Promise.resolve()
  expect(log).toEqual(['first', 'other', 'second'])
  second.finish()
  other.finish()
  await Promise.all(done)
})

test('a failure is told to its caller and does not stop who comes next', async () => {
  const turns = createTurns()
  const failing = turns.take('a', () => Promise.reject(new Error('no')))
  const next = turns.take('a', async () => 'yes')
  await expect(failing).rejects.toThrow('no')
  expect(await next).toBe('yes')
})
