import grpc from '@grpc/grpc-js'
import pb from '@pulumi/pulumi/proto/provider_pb.js'
import { expect, test } from 'vitest'
import { type Properties, unknown } from '../../ports.ts'
import { configure, create, failuresOf, serveBoxes, until } from '../fixtures/boxes.ts'
import { ask, procedures } from '../fixtures/pulumi-cli.ts'
import { decodeProperties } from '../wire/decode.ts'
import { encodeProperties } from '../wire/encode.ts'

const boxes = serveBoxes()

const news = (config: Properties) => new pb.CheckRequest().setUrn('urn:x').setNews(encodeProperties(config))

test('checked: what is wrong names no property, because any could be secret', async () => {
  const response = await ask(boxes.client, procedures.checkConfig, news({ room: 4 }))
  expect(failuresOf(response)).toEqual([['', 'room: is not a text']])
})

test('checked: an unknown value passes', async () => {
  const response = await ask(boxes.client, procedures.checkConfig, news({ room: unknown }))
  expect([failuresOf(response), decodeProperties(response.getInputs())]).toEqual([[], { room: unknown }])
})

test('compared by old inputs', async () => {
  const request = new pb.DiffRequest()
    .setOldInputs(encodeProperties({ room: 'cellar' }))
    .setOlds(encodeProperties({}))
    .setNews(encodeProperties({ room: 'attic' }))
  expect((await ask(boxes.client, procedures.diffConfig, request)).getReplacesList()).toEqual(['room'])
  request.setNews(encodeProperties({ room: 'cellar' }))
  expect((await ask(boxes.client, procedures.diffConfig, request)).getChanges()).toBe(1)
})

test('configured: previews and secrets are supported', async () => {
  expect((await configure(boxes)).toObject()).toEqual({
    acceptsecrets: true,
    acceptresources: true,
    acceptoutputs: true,
    supportspreview: true,
    supportsAutonamingConfiguration: true,
  })
})

test('configured without arguments', async () => {
  await ask(boxes.client, procedures.configure, new pb.ConfigureRequest())
  expect(boxes.shelf.events).toEqual(['opened 1: '])
})

test('refused: by the words of the provider', async () => {
  await expect(configure(boxes, { room: null })).rejects.toMatchObject({
    code: grpc.status.INVALID_ARGUMENT,
    details: 'there is no room\n  remedy: name one',
  })
})

test('a resource before the configuration is refused', async () => {
  await expect(create(boxes, {})).rejects.toMatchObject({
    details: expect.stringContaining('the provider is not configured'),
  })
})

test('configured again: the earlier provider is closed when nothing uses it any more', async () => {
  await configure(boxes)
  const held = create(boxes, { hold: true })
  await until(() => boxes.shelf.events.includes('holding hat'))
  await configure(boxes)
  expect(boxes.shelf.events).not.toContain('closed 1')
  boxes.shelf.release()
  await held
  await until(() => boxes.shelf.events.includes('closed 1'))
  await configure(boxes)
  expect(boxes.shelf.events.slice(-2)).toEqual(['opened 3: room', 'closed 2'])
})
