import pb from '@pulumi/pulumi/proto/provider_pb.js'
import fc from 'fast-check'
import struct from 'google-protobuf/google/protobuf/struct_pb.js'
import { expect, test } from 'vitest'
import type { Properties } from '../../ports.ts'
import { readProperties } from './decode.ts'
import { writeProperties } from './encode.ts'
import { signatureKey } from './envelopes.ts'
import { lifeOfResources } from './procedures.ts'

type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

// The generated messages keep fields in a plain object, where `__proto__` is no field.
const key = fc.string({ unit: 'grapheme' }).filter(key => key !== signatureKey && key !== '__proto__')

const { json } = fc.letrec<{ json: Json }>(tie => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false),
    fc.double({ noNaN: true }),
    fc.string({ unit: 'grapheme' }),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(key, tie('json'), { maxKeys: 4, noNullPrototype: true }),
  ),
}))
// Long enough for lengths of several octets.
const properties = fc.dictionary(key, fc.oneof(json, fc.string({ minLength: 200, maxLength: 40_000 })), {
  noNullPrototype: true,
})

const generated = (given: Properties) => struct.Struct.fromJavaScript(given as Record<string, struct.JavaScriptValue>) // no secrets in it

test('properties are read as the generated classes write them, and the other way round', () => {
  fc.assert(
    fc.property(properties, given => {
      expect(readProperties(generated(given).serializeBinary())).toEqual(given)
      expect(struct.Struct.deserializeBinary(writeProperties(given)).toJavaScript()).toEqual(given)
    }),
  )
})

test('octets that end too soon are refused, and never read for ever', () => {
  fc.assert(
    fc.property(properties, fc.nat(), (given, cut) => {
      const octets = writeProperties(given)
      const length = octets.length === 0 ? 0 : cut % octets.length
      try {
        expect(Object.keys(readProperties(octets.subarray(0, length))).length).toBeLessThan(
          Object.keys(given).length + 1,
        )
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }),
  )
})

const { check, diff, read, update } = lifeOfResources

test('a request of the engine is parted into its structs and all the rest', () => {
  fc.assert(
    fc.property(properties, properties, fc.string(), (news, olds, urn) => {
      const request = new pb.DiffRequest().setUrn(urn).setId('id-1').setIgnorechangesList(['a', 'b.c'])
      request.setNews(generated(news)).setOlds(generated(olds))
      const { message, structs } = diff.requestDeserialize(Buffer.from(request.serializeBinary()))
      expect([message.getUrn(), message.getId(), message.getIgnorechangesList()]).toEqual([urn, 'id-1', ['a', 'b.c']])
      expect([message.hasNews(), message.hasOlds()]).toEqual([false, false])
      expect(readProperties(structs.news)).toEqual(news)
      expect(readProperties(structs.olds)).toEqual(olds)
      expect(structs.oldInputs).toBeUndefined()
    }),
  )
})

test('numbers of fields of every type are passed over', () => {
  const request = new pb.UpdateRequest().setId('i').setUrn('u').setTimeout(2.5).setPreview(true)
  request.setNews(generated({ a: 1 }))
  const { message, structs } = update.requestDeserialize(Buffer.from(request.serializeBinary()))
  expect([message.getTimeout(), message.getPreview(), readProperties(structs.news)]).toEqual([2.5, true, { a: 1 }])
})

test('an answer is read by the generated classes', () => {
  fc.assert(
    fc.property(properties, properties, (inputs, outputs) => {
      const answer = {
        message: new pb.ReadResponse().setId('id-1').setRefreshBeforeUpdate(true),
        structs: { inputs: writeProperties(inputs), properties: writeProperties(outputs) },
      }
      const response = pb.ReadResponse.deserializeBinary(read.responseSerialize(answer))
      expect([response.getId(), response.getRefreshBeforeUpdate()]).toEqual(['id-1', true])
      expect(response.getInputs()?.toJavaScript()).toEqual(inputs)
      expect(response.getProperties()?.toJavaScript()).toEqual(outputs)
    }),
  )
})

test('what was parted is the same when it is joined', () => {
  const request = new pb.CheckRequest()
    .setUrn('u')
    .setNews(generated({ a: ['x'] }))
    .setOlds(generated({}))
  const octets = check.requestSerialize(check.requestDeserialize(Buffer.from(request.serializeBinary())))
  expect(pb.CheckRequest.deserializeBinary(octets).toObject()).toEqual(request.toObject())
})
