import grpc from '@grpc/grpc-js'
import plugin from '@pulumi/pulumi/proto/plugin_pb.js'
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

/** As the CLI does before each provider of a program. */
const attach = async (address: string) => {
  await ask(boxes.client, procedures.handshake, new pb.ProviderHandshakeRequest().setEngineAddress(address))
  await ask(boxes.client, procedures.attach, new plugin.PluginAttach().setAddress(address))
}

test('a second configuration in the same run is refused, because no call says which one it means', async () => {
  await attach('127.0.0.1:1')
  await configure(boxes, { room: 'cellar' })
  await attach('127.0.0.1:1')
  await configure(boxes, { room: 'cellar' })
  await attach('127.0.0.1:1')
  await expect(configure(boxes, { room: 'attic' })).rejects.toMatchObject({
    code: grpc.status.INVALID_ARGUMENT,
    details: expect.stringMatching(/^a process .* is a second one\n {2}remedy: .* PULUMI_DEBUG_PROVIDERS/),
  })
  await create(boxes, {})
  expect(boxes.shelf.events).toEqual(['opened 1: room', 'opened 2: room', 'closed 1'])
})

test('of two configurations at the same time one is refused', async () => {
  const outcomes = await Promise.allSettled(['cellar', 'attic'].map(room => configure(boxes, { room })))
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
})

test('a later run may have another configuration', async () => {
  await attach('127.0.0.1:1')
  await configure(boxes, { room: 'cellar' })
  await attach('127.0.0.1:2')
  await configure(boxes, { room: 'attic' })
  expect(boxes.shelf.events).toEqual(['opened 1: room', 'opened 2: room', 'closed 1'])
})

test('a configuration that is wrong is none', async () => {
  await expect(configure(boxes, { room: null })).rejects.toThrow('there is no room')
  await configure(boxes, { room: 'attic' })
})
