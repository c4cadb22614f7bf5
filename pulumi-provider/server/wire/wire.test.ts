import { inspect } from 'node:util'
import fc from 'fast-check'
import struct from 'google-protobuf/google/protobuf/struct_pb.js'
import { describe, expect, test } from 'vitest'
import { EngineError } from '../../../engine/index.ts'
import { type Properties, SecretValue, unknown, type Value } from '../../ports.ts'
import { decodeProperties } from './decode.ts'
import { encodeProperties } from './encode.ts'
import { signatureKey, signatures, unknowns } from './envelopes.ts'

/** Over the wire and back, in bytes. */
const transported = (message: struct.Struct) => struct.Struct.deserializeBinary(message.serializeBinary())
const decodeJson = (value: unknown) =>
  decodeProperties(transported(struct.Struct.fromJavaScript({ it: value as struct.JavaScriptValue }))).it // plain JSON

// The generated messages keep fields in a plain object, where `__proto__` is no field.
const key = fc.string({ unit: 'grapheme' }).filter(key => key !== signatureKey && key !== '__proto__')

/** Any value; `secrets` makes what secrets hold. */
const values = (leaf: fc.Arbitrary<Value>): fc.Arbitrary<Value> =>
  fc.letrec<{ value: Value; open: Value }>(tie => ({
    value: fc.oneof(
      { maxDepth: 4 },
      tie('open'),
      tie('open').map(value => new SecretValue(value)),
    ),
    open: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
    ),
  })).value

const scalars = fc.oneof(
  fc.constantFrom<Value>(null, true, false, unknown),
  fc.double({ noNaN: true }),
  fc.string({ unit: 'grapheme' }),
)

test('any properties come back as they went out', () => {
  fc.assert(
    fc.property(fc.dictionary(key, values(scalars), { noNullPrototype: true }), properties => {
      expect(decodeProperties(transported(encodeProperties(properties)))).toEqual(properties)
    }),
  )
})

test('no print of any value shows what a secret in it holds', () => {
  const canary = 'canary-5d41402a'
  const shape = values(fc.constant<Value>('plain')).map(value => new SecretValue([canary, value]))
  fc.assert(
    fc.property(fc.dictionary(key, shape, { minKeys: 1, noNullPrototype: true }), properties => {
      const decoded = decodeProperties(transported(encodeProperties(properties)))
      for (const value of [...Object.values(properties), ...Object.values(decoded)]) {
        expect(value).toBeInstanceOf(SecretValue)
        expect(`${String(value)} ${JSON.stringify({ value })} ${inspect([value], { depth: 9 })}`).not.toContain(canary)
      }
    }),
  )
})

describe('what the engine sends', () => {
  const envelope = (signature: string, more: object) => ({ [signatureKey]: signature, ...more })
  const cases: [what: string, sent: unknown, want: Value][] = [
    ...Object.entries(unknowns).map(([type, text]): [string, unknown, Value] => [`an unknown ${type}`, text, unknown]),
    ['an unknown in a list', ['a', unknowns.array], ['a', unknown]],
    ['a secret', envelope(signatures.secret, { value: 'x' }), new SecretValue('x')],
    ['a secret null', envelope(signatures.secret, { value: null }), new SecretValue(null)],
    ['a secret unknown', envelope(signatures.secret, { value: unknowns.object }), new SecretValue(unknown)],
    [
      'a secret in a secret',
      envelope(signatures.secret, { value: envelope(signatures.secret, { value: 'x' }) }),
      new SecretValue('x'),
    ],
    ['an output', envelope(signatures.output, { value: { a: 1 }, dependencies: ['urn:x'] }), { a: 1 }],
    ['an output that is null', envelope(signatures.output, { value: null }), null],
    ['an output that is not known', envelope(signatures.output, {}), unknown],
    ['a secret output', envelope(signatures.output, { value: 'x', secret: true }), new SecretValue('x')],
    ['a secret output that is not known', envelope(signatures.output, { secret: true }), new SecretValue(unknown)],
    ['a resource', envelope(signatures.resource, { urn: 'urn:x', id: 'i' }), 'i'],
    ['a resource still to be made', envelope(signatures.resource, { urn: 'urn:x', id: '' }), unknown],
    ['a resource whose id is an unknown', envelope(signatures.resource, { urn: 'u', id: unknowns.string }), unknown],
    ['a component', envelope(signatures.resource, { urn: 'urn:x' }), 'urn:x'],
  ]
  test.each(cases)('%s', (_what, sent, want) => expect(decodeJson(sent)).toEqual(want))

  const refused: [what: string, sent: unknown, code: string, message: string][] = [
    [
      'an asset',
      { files: [envelope(signatures.asset, { text: 'canary' })] },
      'schema_violation',
      'property it.files[0] is an asset or an archive',
    ],
    [
      'an archive',
      envelope(signatures.archive, { path: 'canary' }),
      'schema_violation',
      'property it is an asset or an archive',
    ],
    [
      'bytes',
      envelope(signatures.bytes, { value: 'canary' }),
      'schema_violation',
      'property it is no valid UTF-8 text',
    ],
    ['a secret of nothing', envelope(signatures.secret, {}), 'malformed', 'property it is a secret without a value'],
    [
      'a reference to nothing',
      envelope(signatures.resource, {}),
      'malformed',
      'property it is a reference to no resource',
    ],
    [
      'a type of the future',
      { 'a.b': envelope('canary', { value: 'canary' }) },
      'malformed',
      'property it["a.b"] is of a type that this provider does not know',
    ],
  ]
  test.each(refused)('%s is refused by its place, without its contents', (_what, sent, code, message) => {
    const error = errorOf(() => decodeJson(sent))
    expect(error).toMatchObject({ code, message })
    expect(JSON.stringify(error)).not.toContain('canary')
  })
})

test('what is absent stays absent on the wire, and null stays null', () => {
  // An optional field that was spread is there, and undefined, whatever its type says.
  const properties = { absent: undefined, none: null } as unknown as Properties
  expect(encodeProperties(properties).toJavaScript()).toEqual({ none: null })
})

test('no message at all stands for no properties', () => expect(decodeProperties(undefined)).toEqual({}))

function errorOf(act: () => unknown): EngineError | undefined {
  try {
    act()
  } catch (error) {
    if (error instanceof EngineError) return error
    throw error
  }
  return undefined
}
