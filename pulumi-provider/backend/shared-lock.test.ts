import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createEngine, type Engine, EngineError, type LockedEngine } from '../../engine/index.ts'
import { createSharedLock } from './shared-lock.ts'

const folder = mkdtempSync(join(tmpdir(), 'trustform-lock-'))
const engines: Engine[] = []
afterAll(async () => {
  for (const engine of engines) await engine.close()
  rmSync(folder, { recursive: true, force: true })
})

async function open(name: string): Promise<Engine> {
  const engine = await createEngine({ state: `sqlite:${join(folder, name)}`, env: {} })
  engines.push(engine)
  return engine
}

/** Counts how often the state's lease is taken. */
function counted(engine: Engine): { engine: Pick<Engine, 'locked'>; taken: () => number } {
  let taken = 0
  return {
    engine: {
      locked: (operation, options, work) =>
        engine.locked(operation, options, held => {
          taken++
          return work(held)
        }),
    },
    taken: () => taken,
  }
}

const never = new AbortController().signal
const quiet = () => {}

test('many at a time share one lease, and another process gets it afterwards', async () => {
  const { engine, taken } = counted(await open('a.db'))
  const lock = createSharedLock(engine)
  const gate = Promise.withResolvers<void>()
  const seen = new Set<LockedEngine>()
  const works = Array.from({ length: 20 }, () =>
    lock.run(never, quiet, async locked => {
      seen.add(locked)
      await gate.promise
    }),
  )
  const other = await open('a.db')
  const waited = Promise.withResolvers<string>()
  const elsewhere = other.locked(
    'other',
    { onWait: ({ holder }) => waited.resolve(holder.operation) },
    async () => 'got it',
  )
  expect(await waited.promise).toBe('pulumi')
  gate.resolve()
  await Promise.all(works)
  expect(await elsewhere).toBe('got it')
  expect([seen.size, taken()]).toEqual([1, 1])
  await lock.run(never, quiet, async () => {})
  expect(taken(), 'after another had it, it is taken anew').toBe(2)
  await lock.close()
})

test('who waits is told, and may stop waiting while others go on', async () => {
  const engine = await open('b.db')
  const gate = Promise.withResolvers<void>()
  const isHeld = Promise.withResolvers<void>()
  const other = (await open('b.db')).locked('serve', {}, async () => {
    isHeld.resolve()
    await gate.promise
  })
  await isHeld.promise
  const lock = createSharedLock(engine)
  const stop = new AbortController()
  const told = Promise.withResolvers<string>()
  const impatient = lock.run(
    stop.signal,
    ({ holder }) => told.resolve(holder.operation),
    async () => 'never',
  )
  const patient = lock.run(never, quiet, async () => 'done')
  expect(await told.promise).toBe('serve')
  stop.abort(new Error('enough'))
  await expect(impatient).rejects.toThrow('enough')
  gate.resolve()
  await other
  expect(await patient).toBe('done')
  await lock.close()
})

test('a lock that nobody waits for any more is not taken', async () => {
  const engine = await open('c.db')
  const gate = Promise.withResolvers<void>()
  const isHeld = Promise.withResolvers<void>()
  const other = (await open('c.db')).locked('serve', {}, async () => {
    isHeld.resolve()
    await gate.promise
  })
  await isHeld.promise
  const lock = createSharedLock(engine)
  const stop = new AbortController()
  const waiting = lock.run(
    stop.signal,
    () => stop.abort(new Error('enough')),
    async () => 'never',
  )
  await expect(waiting).rejects.toThrow('enough')
  await lock.close()
  gate.resolve()
  await other
  expect(await lock.run(never, quiet, async () => 'again')).toBe('again')
  await lock.close()
})

test('an error of one is its own', async () => {
  const lock = createSharedLock(await open('d.db'))
  const results = await Promise.allSettled([
    lock.run(never, quiet, async () => {
      throw new Error('mine')
    }),
    lock.run(never, quiet, async () => 'fine'),
  ])
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
  await lock.close()
})

test('whoever comes after a loss takes it anew, before any heartbeat has seen it', async () => {
  const { engine, taken } = counted(await open('e.db'))
  const lock = createSharedLock(engine)
  const other = await open('e.db')
  const lost = lock.run(never, quiet, async () => {
    await other.unlock()
    throw new EngineError('state_fenced', 'as a commit says it')
  })
  await expect(lost).rejects.toMatchObject({ code: 'state_fenced' })
  await lock.run(never, quiet, async locked => expect(locked.lost.aborted).toBe(false))
  expect(taken()).toBe(2)
  await lock.close()
})
