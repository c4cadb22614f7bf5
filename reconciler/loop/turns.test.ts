import { expect, test } from 'vitest'
import { createTurns } from './turns.ts'

const settled = () => new Promise<void>(resolve => setImmediate(resolve))

test('as many as are allowed run at once, the others in their order, whether one fails or not', async () => {
  const turns = createTurns(2)
  const begun: number[] = []
  const ends: (() => void)[] = []
  const work = (n: number) =>
    turns(() => {
      begun.push(n)
      return new Promise<number>((resolve, reject) => {
        ends[n] = () => (n === 0 ? reject(new Error('failed')) : resolve(n))
      })
    })
  const all = [0, 1, 2, 3].map(work)
  const failed = expect(all[0]).rejects.toThrow('failed')
  await settled()
  expect(begun).toEqual([0, 1])
  ends[1]?.()
  const late = work(4)
  await settled()
  expect(begun).toEqual([0, 1, 2])
  ends[0]?.()
  await failed
  await settled()
  expect(begun).toEqual([0, 1, 2, 3])
  for (const n of [2, 3]) ends[n]?.()
  await settled()
  expect(begun).toEqual([0, 1, 2, 3, 4])
  ends[4]?.()
  expect(await Promise.all([...all.slice(1), late])).toEqual([1, 2, 3, 4])
})
