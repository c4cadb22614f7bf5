import { expect, test } from 'vitest'
import type { Mutation } from '../store.ts'
import {
  codeOf,
  commit,
  later,
  operation,
  putKey,
  putSealed,
  type StoreUnderTest,
  sealedRow,
  step,
  tenant,
} from './samples.ts'

/** Operations and their steps. */
export function journal({ open, again }: StoreUnderTest): void {
  test('open operations come back in order, with their steps in the order of their first intent', async () => {
    const store = await open()
    await commit(store, [operation('op2'), operation('op1', { address: 'Role/web', action: 'update' })])
    await commit(store, [step('op2', 'order', { data: { url: 'https://ca.example/1' } }), step('op2', 'finalize')])
    await commit(store, [
      step('op2', 'order', { state: 'done', data: { url: 'https://ca.example/1', n: 1 }, at: later }),
    ])
    const other = await again(store)
    expect(await other.operations(tenant)).toEqual([
      {
        id: 'op2',
        address: 'Certificate/edge',
        action: 'create',
        inputHash: 'h1',
        attempt: 1,
        epoch: 1,
        startedAt: expect.any(String),
        steps: [
          { step: 'order', state: 'done', data: { url: 'https://ca.example/1', n: 1 }, sealed: {}, at: later },
          { step: 'finalize', state: 'intended', data: {}, sealed: {}, at: expect.any(String) },
        ],
      },
      expect.objectContaining({ id: 'op1', address: 'Role/web', action: 'update', steps: [] }),
    ])
  })

  test('an ended operation is no longer open', async () => {
    const store = await open()
    await commit(store, [operation('op1'), operation('op2')])
    await commit(store, [{ type: 'end-operation', operationId: 'op1', outcome: 'done' }])
    expect((await store.operations(tenant)).map(({ id }) => id)).toEqual(['op2'])
  })

  test('a higher attempt continues an operation and keeps its steps', async () => {
    const store = await open()
    await commit(store, [operation('op1'), step('op1', 'order')])
    await commit(store, [operation('op1', { attempt: 2, epoch: 5, inputHash: 'h2' })])
    expect(await store.operations(tenant)).toMatchObject([
      { attempt: 2, epoch: 5, inputHash: 'h2', steps: [{ step: 'order' }] },
    ])
  })

  const refused: [what: string, mutation: Parameters<typeof commit>[1][number]][] = [
    ['beginning an operation that is open', operation('open')],
    ['beginning an operation that ended', operation('ended', { attempt: 2 })],
    ['continuing an operation at another address', operation('open', { attempt: 2, address: 'Role/x' })],
    ['a step of an operation that ended', step('ended', 'order')],
    ['a step of an unknown operation', step('none', 'order')],
    ['ending an operation twice', { type: 'end-operation', operationId: 'ended', outcome: 'done' }],
  ]
  test.each(refused)('%s is a state_conflict', async (_what, mutation) => {
    const store = await open()
    await commit(store, [operation('open'), operation('ended')])
    await commit(store, [{ type: 'end-operation', operationId: 'ended', outcome: 'failed' }])
    expect(await codeOf(commit(store, [mutation]))).toBe('state_conflict')
  })

  test('operations that ended are forgotten, as many as asked for, and open ones never', async () => {
    const store = await open()
    const end = (operationId: string) => ({ type: 'end-operation', operationId, outcome: 'done' }) as const
    const begun: Mutation[] = ['op1', 'op2', 'op3'].flatMap(id => [operation(id), step(id, 'order'), end(id)])
    await commit(store, [...begun, operation('young', { startedAt: later }), end('young')])
    await commit(store, [operation('open'), step('open', 'order')])
    await commit(store, [{ type: 'trim-operations', before: later, most: 2 }])
    // What is forgotten can be begun anew, without the steps that it had.
    await commit(store, [operation('op1'), operation('op2')])
    expect(await codeOf(commit(store, [operation('op3')]))).toBe('state_conflict')
    expect(await codeOf(commit(store, [operation('young')]))).toBe('state_conflict')
    expect((await store.operations(tenant)).map(({ id, steps }) => [id, steps.length])).toEqual([
      ['open', 1],
      ['op1', 0],
      ['op2', 0],
    ])
  })

  test('verify names a sealed row that an open step needs and that is gone', async () => {
    const store = await open()
    await commit(store, [
      putKey(1),
      putSealed(sealedRow('k')),
      operation('op1'),
      step('op1', 'key', { sealed: { key: 'k' } }),
    ])
    expect(await store.verify(tenant)).toEqual([])
    await commit(store, [{ type: 'delete-sealed', id: 'k' }])
    expect(await store.verify(tenant)).toEqual([expect.stringContaining('sealed row k')])
  })
}
