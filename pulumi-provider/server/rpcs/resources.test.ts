import grpc from '@grpc/grpc-js'
import pb from '@pulumi/pulumi/proto/provider_pb.js'
import { beforeEach, expect, test } from 'vitest'
import { type Properties, SecretValue, unknown } from '../../ports.ts'
import { check, configure, create, createRequest, failuresOf, serveBoxes, urnOf } from '../fixtures/boxes.ts'
import { ask, procedures } from '../fixtures/pulumi-cli.ts'
import { decodeProperties } from '../wire/decode.ts'
import { encodeProperties } from '../wire/encode.ts'

const boxes = serveBoxes()

const diff = (news: Properties, oldInputs: Properties, more: { olds?: Properties; ignored?: string[] } = {}) =>
  ask(
    boxes.client,
    procedures.diff,
    new pb.DiffRequest()
      .setUrn(urnOf('hat'))
      .setId('box-1')
      .setNews(encodeProperties(news))
      .setOldInputs(encodeProperties(oldInputs))
      .setOlds(encodeProperties(more.olds ?? oldInputs))
      .setIgnorechangesList(more.ignored ?? []),
  )

beforeEach(() => configure(boxes))

test('check: defaults from old inputs, secrets stay secret, unknowns unknown', async () => {
  const response = await check(boxes, { password: new SecretValue('strong'), size: unknown }, { label: 'old' })
  expect(decodeProperties(response.getInputs())).toEqual({
    label: 'old',
    password: new SecretValue('strong'),
    size: unknown,
  })
})

test('check: a failure on a secret does not name the property to the CLI', async () => {
  const response = await check(boxes, { password: new SecretValue('weak'), size: 0, tags: ['a', ''] })
  expect(failuresOf(response)).toEqual([
    ['', 'password: is too weak'],
    ['size', 'is nothing'],
    ['', 'tags[1]: is empty'],
  ])
})

test("check: the project's naming is passed on", async () => {
  const request = new pb.CheckRequest()
    .setUrn(urnOf('hat'))
    .setNews(encodeProperties({}))
    .setAutonaming(new pb.CheckRequest.AutonamingOptions().setProposedName('hat-77').setMode(1))
  const response = await ask(boxes.client, procedures.check, request)
  expect(decodeProperties(response.getInputs())).toEqual({ label: 'hat-77' })
})

test('check: an asset is refused by its place', async () => {
  const asset = { '4dabf18193072939515e22adb298388d': 'c44067f5952c0a294b673a41bacd8c17', text: 'x' }
  await expect(check(boxes, { label: asset })).rejects.toMatchObject({
    code: grpc.status.INVALID_ARGUMENT,
    details: expect.stringMatching(/^property label is an asset or an archive\n {2}remedy: /),
  })
})

test('diff: nothing', async () => {
  expect((await diff({ a: 1 }, { a: 1 })).toObject()).toMatchObject({
    changes: 1,
    detaileddiffMap: [],
    hasdetaileddiff: true,
    diffsList: [],
    replacesList: [],
    deletebeforereplace: false,
  })
})

test('diff: kinds, replacements and where each lies', async () => {
  const response = await diff(
    { size: 2, added: 1, tags: ['b'] },
    { size: 1, removed: 1, tags: ['a'] },
    { olds: { dusty: true } },
  )
  const kinds = ['add', 'add-replace', 'delete', 'delete-replace', 'update', 'update-replace']
  const detailed: unknown[] = []
  response.getDetaileddiffMap().forEach((entry, path) => {
    detailed.push([path, kinds[entry.getKind()], entry.getInputdiff()])
  })
  expect(detailed.toSorted()).toEqual([
    ['added', 'add', true],
    ['dusty', 'update', false],
    ['removed', 'delete', true],
    ['size', 'update-replace', true],
    ['tags[0]', 'update', true],
  ])
  expect(response.toObject()).toMatchObject({
    changes: 2,
    replacesList: ['size'],
    deletebeforereplace: true,
  })
  expect(response.getDiffsList().toSorted()).toEqual(['added', 'dusty', 'removed', 'size', 'tags'])
})

test('diff: without a replacement nothing is deleted before', async () => {
  expect((await diff({ a: 2 }, { a: 1 })).getDeletebeforereplace()).toBe(false)
})

const ignored: [paths: string[], seen: string[]][] = [
  [['size'], ['other']],
  [['size.width'], ['other', 'size']],
  [['*'], []],
]
test.each(ignored)('diff: ignoring %j', async (paths, seen) => {
  const response = await diff({ size: 2, other: 2 }, { size: 1, other: 1 }, { ignored: paths })
  expect(response.getDiffsList().toSorted()).toEqual(seen)
})

test('create, update, read, delete', async () => {
  const made = await create(boxes, { size: 1, password: new SecretValue('p') })
  expect([made.getId(), made.getRefreshBeforeUpdate(), decodeProperties(made.getProperties())]).toEqual([
    'box-1',
    true,
    { size: 1, password: new SecretValue('p'), number: 1 },
  ])

  const update = new pb.UpdateRequest()
    .setUrn(urnOf('hat'))
    .setId('box-1')
    .setOlds(encodeProperties({ number: 1 }))
    .setNews(encodeProperties({ size: 2 }))
  const updated = await ask(boxes.client, procedures.update, update)
  expect([updated.getRefreshBeforeUpdate(), decodeProperties(updated.getProperties())]).toEqual([
    false,
    { size: 2, number: 1 },
  ])

  const read = new pb.ReadRequest().setUrn(urnOf('hat')).setId('box-1')
  const found = await ask(boxes.client, procedures.read, read)
  expect([found.getId(), decodeProperties(found.getInputs()), decodeProperties(found.getProperties())]).toEqual([
    'box-1',
    { size: 2 },
    { size: 2, number: 1 },
  ])

  await ask(boxes.client, procedures.delete, new pb.DeleteRequest().setUrn(urnOf('hat')).setId('box-1'))
  expect([...boxes.shelf.boxes]).toEqual([])
  expect((await ask(boxes.client, procedures.read, read)).toObject()).toMatchObject({ id: '', properties: undefined })
})

test('previews: nothing is made, and what is not known yet is unknown', async () => {
  const made = await ask(boxes.client, procedures.create, createRequest({ size: 1 }).setPreview(true))
  expect([made.getId(), decodeProperties(made.getProperties())]).toEqual(['', { size: 1, number: unknown }])
  const update = new pb.UpdateRequest()
    .setUrn(urnOf('hat'))
    .setId('box-1')
    .setOlds(encodeProperties({ number: 7 }))
    .setNews(encodeProperties({ size: unknown }))
    .setPreview(true)
  const updated = await ask(boxes.client, procedures.update, update)
  expect(decodeProperties(updated.getProperties())).toEqual({ size: unknown, number: 7 })
  expect([...boxes.shelf.boxes]).toEqual([])
})

test('a resource of five megabytes, past the default limit of gRPC', async () => {
  const text = 'x'.repeat(5_000_000)
  expect(decodeProperties((await create(boxes, { text })).getProperties()).text).toBe(text)
})

test('another type is refused', async () => {
  const request = new pb.CreateRequest().setUrn('urn:pulumi:dev::shop::aws:index:Bucket::b')
  await expect(ask(boxes.client, procedures.create, request)).rejects.toMatchObject({
    code: grpc.status.INVALID_ARGUMENT,
  })
})

test('functions', async () => {
  const request = new pb.InvokeRequest().setTok('trustform:index:countBoxes').setArgs(encodeProperties({ size: 0 }))
  const response = await ask(boxes.client, procedures.invoke, request)
  expect(decodeProperties(response.getReturn())).toEqual({ count: 0, key: new SecretValue('0000') })
  expect(failuresOf(response)).toEqual([['size', 'is nothing']])
  await expect(ask(boxes.client, procedures.invoke, request.setTok('x'))).rejects.toMatchObject({
    code: grpc.status.NOT_FOUND,
  })
})
