import grpc from '@grpc/grpc-js'
import pb from '@pulumi/pulumi/proto/provider_pb.js'
import empty from 'google-protobuf/google/protobuf/empty_pb.js'
import { beforeEach, expect, test } from 'vitest'
import { configure, create, createRequest, serveBoxes, until, urnOf } from './fixtures/boxes.ts'
import { ask, procedures } from './fixtures/pulumi-cli.ts'

const boxes = serveBoxes()
beforeEach(() => configure(boxes))

/** A creation that waits; `settled` is its error, if it has one. */
async function holding(request = createRequest({ hold: true })) {
  let call: grpc.ClientUnaryCall | undefined
  const answer = ask(boxes.client, procedures.create, request, begun => {
    call = begun
  })
  const settled = answer.then(
    () => undefined,
    (error: grpc.ServiceError) => error,
  )
  await until(() => boxes.shelf.events.includes('holding hat'))
  return { settled, call }
}

test('Cancel aborts what runs, which writes down how far it came; later calls run', async () => {
  const { settled } = await holding()
  await ask(boxes.client, procedures.cancel, new empty.Empty())
  expect(await settled).toMatchObject({
    code: grpc.status.CANCELLED,
    details: 'this was cancelled\n  remedy: run `pulumi up` again: what was begun goes on from where it is',
  })
  expect(boxes.shelf.events).toContain('wrote down hat')
  expect((await create(boxes, {})).getId()).toBe('box-1')
})

test('a custom timeout aborts', async () => {
  const { settled } = await holding(createRequest({ hold: true }).setTimeout(0.05))
  expect(await settled).toMatchObject({
    code: grpc.status.DEADLINE_EXCEEDED,
    details: expect.stringMatching(/^this was not done within its custom timeout of 0\.05 s\n {2}remedy: /),
  })
  expect(boxes.shelf.events).toContain('wrote down hat')
})

test('a custom timeout of a deletion', async () => {
  await create(boxes, { stuck: true })
  const request = new pb.DeleteRequest().setUrn(urnOf('hat')).setId('box-1').setTimeout(0.05)
  await expect(ask(boxes.client, procedures.delete, request)).rejects.toMatchObject({
    code: grpc.status.DEADLINE_EXCEEDED,
  })
})

test('beside a timeout stands what the engine says of its interruption', async () => {
  const { settled } = await holding(createRequest({ hold: true, says: 'the order is kept' }).setTimeout(0.05))
  expect(await settled).toMatchObject({
    code: grpc.status.DEADLINE_EXCEEDED,
    details: expect.stringMatching(/custom timeout of 0\.05 s\n {2}remedy: .*\nthe order is kept$/),
  })
})

test('who hangs up aborts the call', async () => {
  const { settled, call } = await holding()
  call?.cancel()
  expect(await settled).toMatchObject({ code: grpc.status.CANCELLED })
  await until(() => boxes.shelf.events.includes('wrote down hat'))
})

test('a stop lets what runs write down how far it came, then closes the provider and the port', async () => {
  const { settled } = await holding()
  await boxes.served.stop()
  expect(boxes.shelf.events.slice(-2)).toEqual(['wrote down hat', 'closed 1'])
  expect(await settled).toMatchObject({ details: expect.stringContaining('this was cancelled') })
  const late = boxes.cli.connect(boxes.served.port)
  await expect(ask(late, procedures.getPluginInfo, new empty.Empty())).rejects.toMatchObject({
    code: grpc.status.UNAVAILABLE,
  })
})
