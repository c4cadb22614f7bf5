import { describe, expect, test } from 'vitest'
import { EngineError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import { bench, op, thing } from './fixtures/run.ts'

const octets = (text: string) => new Secret<Uint8Array>(Buffer.from(text))
const text = (secret: Secret<Uint8Array> | undefined) => secret && Buffer.from(secret.reveal()).toString()
const crash = new Error('the process ended here')

describe('a run', () => {
  test('records what it made, under the owner of the plan', async () => {
    const { run, store } = await bench()
    const { done, told } = await run([op('a', { spec: { x: 1 }, owner: 'git:infra' })], thing())
    expect(done).toEqual(['Thing/a'])
    expect(told).toEqual(['started a', 'done a'])
    expect(await store.resource('default', 'Thing/a')).toMatchObject({ owner: 'git:infra', spec: { x: 1 } })
  })

  test('makes everything durable before it says so', async () => {
    const { run, store } = await bench()
    const seen: Promise<unknown>[] = []
    await run([op('a'), op('b')], thing(), {
      onEvent: ({ type, address }) => void (type === 'done' && seen.push(store.resource('default', address))),
    })
    expect((await Promise.all(seen)).every(resource => resource !== undefined)).toBe(true)
    expect(seen).toHaveLength(2)
  })

  test('goes on after a failure with all that does not stand on it', async () => {
    const { run } = await bench()
    const { done, failed, skipped } = await run(
      [op('a'), op('b', { after: ['Thing/a'] }), op('c', { after: ['Thing/b'] }), op('x')],
      thing({
        async create({ name }) {
          if (name === 'a') throw new EngineError('backend_timeout', 'too slow')
          return { status: {} }
        },
      }),
    )
    expect(done).toEqual(['Thing/x'])
    expect(failed.map(({ address }) => address)).toEqual(['Thing/a'])
    expect(skipped).toEqual([
      { address: 'Thing/b', because: 'Thing/a failed' },
      { address: 'Thing/c', because: 'Thing/a failed' },
    ])
  })

  test.each(['drain', 'abort'] as const)('starts nothing new after %s', async which => {
    const { run, revision } = await bench()
    const stop = new AbortController()
    const { done, skipped, interrupted } = await run(
      [op('a'), op('b', { after: ['Thing/a'] })],
      thing({
        async create() {
          stop.abort()
          return { status: {} }
        },
      }),
      { [which]: stop.signal },
    )
    expect([done, skipped.map(({ because }) => because), interrupted]).toEqual([
      ['Thing/a'],
      ['interrupted before it began'],
      true,
    ])
    expect(await revision('b')).toBeNull()
  })

  test('an abort reaches what runs', async () => {
    const { run } = await bench()
    const stop = new AbortController()
    const { failed } = await run(
      [op('a')],
      thing({
        async create(_operation, { signal }) {
          stop.abort(new EngineError('interrupted', 'stopped'))
          signal.throwIfAborted()
          return { status: {} }
        },
      }),
      { abort: stop.signal },
    )
    expect(failed).toMatchObject([{ error: { code: 'interrupted' } }])
  })

  test('a holder that lost its lease writes nothing', async () => {
    const { run, takeLease, lease, revision } = await bench()
    await takeLease()
    const { failed } = await run([op('a')], thing(), { lease })
    expect(failed).toMatchObject([{ error: { code: 'state_fenced' } }])
    expect(await revision('a')).toBeNull()
  })

  test('a resource that changed since the plan is not touched', async () => {
    const { run } = await bench()
    await run([op('a')], thing())
    const { failed } = await run([op('a')], thing())
    expect(failed).toMatchObject([{ error: { code: 'state_conflict' } }])
  })

  test('a later operation sees what an earlier one of the run made, by name and by id', async () => {
    const { run } = await bench()
    const found: unknown[] = []
    await run(
      [op('a'), op('b', { after: ['Thing/a'] })],
      thing({
        async create({ name, id }, context) {
          if (name === 'a') return { status: { own: id }, secrets: { key: octets('held') } }
          const byName = await context.open('Thing', 'a')
          const byId = await context.open('Thing', { external: byName.id })
          found.push(byId.address, (await context.openAll('Thing')).length, (await byName.held('key'))?.reveal().length)
          await expect(context.open('Other', { external: byName.id })).rejects.toMatchObject({
            code: 'reference_unknown',
          })
          return { status: {} }
        },
      }),
    )
    expect(found).toEqual(['Thing/a', 1, 4])
  })

  test('a value is computed once per run, and again after a failure', async () => {
    const { run } = await bench()
    let made = 0
    const { failed } = await run(
      ['a', 'b', 'c'].map(name => op(name)),
      thing({
        async create({ name }, context) {
          await context.memo('k', async () => {
            made++
            if (name === 'a') throw new EngineError('backend_timeout', 'once')
            return made
          })
          return { status: {} }
        },
      }),
      { parallelism: 1 },
    )
    expect([made, failed.length]).toEqual([2, 1])
  })

  test('what there is only one of is shared by all runs under a lease, and nothing else', async () => {
    const { run } = await bench()
    const memory = new Map<string, Promise<unknown>>()
    const made: string[] = []
    const driver = thing({
      async create(_operation, context) {
        await context.memo('own', async () => void made.push('own'))
        await context.shared('one', async () => void made.push('one'))
        return { status: {} }
      },
    })
    await run([op('a')], driver, { memory })
    await run([op('b')], driver, { memory })
    await run([op('c')], driver)
    expect(made).toEqual(['own', 'one', 'own', 'own', 'one'])
  })
})

describe('the journal', () => {
  const fails = () => {
    throw crash
  }
  /** Intends a step with a key, then ends as the test says. */
  const withIntent = (after: () => void, seen: unknown[] = []) =>
    thing({
      async create(_operation, { journal }) {
        seen.push(journal.recall('order')?.data ?? null, text(await journal.secret('order', 'key')))
        await journal.intend('order', { url: 'u1' }, { key: octets('k1') })
        after()
        await journal.complete('order', { state: 'ready' })
        return { status: {} }
      },
    })

  test('an interrupted attempt with equal inputs is adopted, key and all', async () => {
    const { run, store, sealedIds } = await bench()
    await run([op('a')], withIntent(fails))
    const [left] = await store.operations('default')
    expect(left).toMatchObject({ address: 'Thing/a', attempt: 1, steps: [{ step: 'order', state: 'intended' }] })
    const seen: unknown[] = []
    const { done } = await run(
      [op('a')],
      withIntent(() => {}, seen),
    )
    expect(done).toEqual(['Thing/a'])
    expect(seen).toEqual([{ url: 'u1' }, 'k1'])
    expect(await store.operations('default')).toEqual([])
    // The outcome is durable: the journal's copy of the key is gone with it.
    expect(await sealedIds()).toEqual([])
  })

  test('each adoption is told as another attempt under the present lease', async () => {
    const { run, store, takeLease } = await bench()
    const fail = withIntent(fails)
    await run([op('a')], fail)
    const lease = await takeLease()
    await run([op('a')], fail, { lease })
    expect(await store.operations('default')).toMatchObject([{ attempt: 2, epoch: lease.epoch }])
  })

  test('an attempt on another account is not adopted', async () => {
    const { run, revision } = await bench()
    const dependsOn = ['Thing/account'] as const
    await run([op('account')], thing())
    await run([op('a', { dependsOn })], withIntent(fails))
    const replace = op('account', { action: 'replace', expectedRevision: await revision('account') })
    await run([replace], thing(), { settled: () => false })
    const seen: unknown[] = []
    await run(
      [op('a', { dependsOn })],
      withIntent(() => {}, seen),
    )
    expect(seen).toEqual([null, undefined])
  })

  test('an attempt with other inputs is undone first, and its key is kept', async () => {
    const { run, store, sealedIds } = await bench()
    await run([op('a')], withIntent(fails))
    const undone: string[] = []
    const seen: unknown[] = []
    await run([op('a', { spec: { other: true } })], {
      ...withIntent(() => {}, seen),
      abandon: async (_operation, { journal }) => void undone.push(...journal.steps().map(({ step }) => step)),
    })
    expect(undone).toEqual(['order'])
    expect(seen).toEqual([null, undefined])
    expect(await store.operations('default')).toEqual([])
    expect(await sealedIds()).toHaveLength(1)
  })

  test.each([
    ['is undone where the plan has settled', true, 0],
    ['stays where it has not', false, 1],
  ] as const)('what is left open %s', async (_what, settled, open) => {
    const { run, store } = await bench()
    await run([op('a')], withIntent(fails))
    await run([op('b')], thing(), { settled: () => settled })
    expect(await store.operations('default')).toHaveLength(open)
  })

  test('undoing that fails is told and tried again by the next run', async () => {
    const { run, store } = await bench()
    await run([op('a')], withIntent(fails))
    const { told, done } = await run([op('b')], thing({ abandon: () => Promise.reject(crash) }))
    expect([told[0], done]).toEqual(['left-open a', ['Thing/b']])
    expect(await store.operations('default')).toHaveLength(1)
    await run([], thing())
    expect(await store.operations('default')).toEqual([])
  })

  test('tidying up that fails leaves the outcome durable and the journal open', async () => {
    const { run, store, revision } = await bench()
    const { done, told } = await run(
      [op('a')],
      thing({
        async create(_operation, { journal }) {
          await journal.intend('txt', {})
          return { status: {}, afterwards: () => Promise.reject(crash) }
        },
      }),
    )
    expect(done).toEqual(['Thing/a'])
    expect(told).toEqual(['started a', 'left-open a', 'done a'])
    expect(await revision('a')).not.toBeNull()
    expect(await store.operations('default')).toMatchObject([{ steps: [{ step: 'txt' }] }])
    await run([], thing())
    expect(await store.operations('default')).toEqual([])
  })
})

describe('a replacement', () => {
  test('makes the new one, then retires the old one', async () => {
    const { run, revision, store } = await bench()
    await run([op('a')], thing())
    const before = (await store.resource('default', 'Thing/a'))?.id
    const story: string[] = []
    const expectedRevision = await revision('a')
    await run(
      [op('a', { action: 'replace', expectedRevision })],
      thing({
        async create({ id }) {
          story.push(`create ${id === before ? 'old' : 'new'}`)
          return { status: {} }
        },
        async delete({ id }) {
          story.push(`delete ${id === before ? 'old' : 'new'}`)
          return {}
        },
      }),
    )
    expect(story).toEqual(['create new', 'delete old'])
    expect(await store.operations('default')).toEqual([])
  })

  test('that ended in between is finished by the next run', async () => {
    const { run, revision, store } = await bench()
    await run([op('a', { lifecycle: { onDelete: 'destroy' } })], thing())
    const old = await store.resource('default', 'Thing/a')
    const { done, told } = await run(
      [op('a', { action: 'replace', expectedRevision: await revision('a') })],
      thing({ delete: () => Promise.reject(crash) }),
    )
    expect([done, told.includes('left-open a')]).toEqual([['Thing/a'], true])
    const retired: unknown[] = []
    await run(
      [],
      thing({
        async delete({ id, lifecycle }) {
          retired.push(id, lifecycle)
          return {}
        },
      }),
    )
    expect(retired).toEqual([old?.id, { onDelete: 'destroy' }])
    expect(await store.resource('default', 'Thing/a')).toBeDefined()
    expect(await store.operations('default')).toEqual([])
  })
})

test('operations without an effect outside cost no journal', async () => {
  const { run, store } = await bench()
  const written: string[] = []
  const watched: typeof store = {
    ...store,
    commit: (tenant, commit) => {
      written.push(...commit.mutations.map(({ type }) => type))
      return store.commit(tenant, commit)
    },
  }
  await run([op('a')], thing(), {}, watched)
  expect(written).toEqual(['put-resource', 'append-log', 'append-log'])
})
