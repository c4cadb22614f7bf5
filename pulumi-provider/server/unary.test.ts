import grpc from '@grpc/grpc-js'
import plugin from '@pulumi/pulumi/proto/plugin_pb.js'
import pb from '@pulumi/pulumi/proto/provider_pb.js'
import { beforeEach, expect, test } from 'vitest'
import { SecretValue } from '../ports.ts'
import { check, configure, create, serveBoxes, urnOf } from './fixtures/boxes.ts'
import { ask, procedures, startPulumiCli } from './fixtures/pulumi-cli.ts'

const boxes = serveBoxes()
beforeEach(() => configure(boxes))

test("messages reach the CLI with the resource's URN before the call is over", async () => {
  await check(boxes, {})
  await create(boxes, {})
  expect(boxes.cli.logged).toEqual([
    `info ${urnOf('hat')}: checking Box hat`,
    `warning ${urnOf('hat')}: hat stands at the edge`,
  ])
})

test('the CLI that shook hands, or attached, last is told', async () => {
  const [first, other] = [boxes.cli, await startPulumiCli()]
  const handshake = new pb.ProviderHandshakeRequest().setEngineAddress(other.address)
  await ask(boxes.client, procedures.handshake, handshake)
  await check(boxes, {})
  expect([first.logged.length, other.logged.length]).toEqual([0, 1])
  await ask(boxes.client, procedures.attach, new plugin.PluginAttach().setAddress(first.address))
  await check(boxes, {})
  expect([first.logged.length, other.logged.length]).toEqual([1, 1])
  other.close()
})

test('a CLI that is gone holds nothing up', async () => {
  const gone = await startPulumiCli()
  await ask(boxes.client, procedures.attach, new plugin.PluginAttach().setAddress(gone.address))
  gone.close()
  expect((await create(boxes, {})).getId()).toBe('box-1')
})

test('errors have a code, a place and a remedy', async () => {
  await expect(create(boxes, { fail: 'engine' })).rejects.toMatchObject({
    code: grpc.status.FAILED_PRECONDITION,
    details: 'Box/hat: the shelf is locked\n  remedy: wait',
  })
  await expect(create(boxes, { fail: 'several' })).rejects.toMatchObject({
    code: grpc.status.INVALID_ARGUMENT,
    details: 'the box is too wide\nthe box is too high',
  })
})

test('a message that is too long for a header, or no valid text, arrives as far as it can', async () => {
  await expect(create(boxes, { fail: 'long' })).rejects.toMatchObject({
    code: grpc.status.INVALID_ARGUMENT,
    details: expect.stringMatching(/^the box is not \uFFFD: (木){1000,}…$/u),
  })
})

test('a bug is short, and its secret nowhere; where it is goes to the debug log', async () => {
  const error = await create(boxes, { fail: 'bug', password: new SecretValue('canary') }).catch(error => error)
  expect(error).toMatchObject({
    code: grpc.status.INTERNAL,
    details: expect.stringMatching(/^a bug in the Trustform provider stopped this: TypeError\n/),
  })
  expect(boxes.cli.logged).toEqual([expect.stringMatching(/^debug urn:.*Box::hat: a bug [\s\S]*\n\s+at .*shelf\.ts/)])
  expect(`${boxes.cli.logged} ${error.stack} ${error.details}`).not.toContain('canary')
})
