import type struct from 'google-protobuf/google/protobuf/struct_pb.js'
import { EngineError } from '../../../engine/index.ts'
import { type Properties, SecretValue, unknown, type Value } from '../../ports.ts'
import { formatPath, type PropertyPath } from '../../property-path.ts'
import { signatureKey, signatures, unknowns } from './envelopes.ts'
import { Reader } from './protobuf.ts'
import {
  boolValue,
  entryKey,
  entryValue,
  listValue,
  listValues,
  numberValue,
  stringValue,
  structFields,
  structValue,
} from './struct.ts'

/**
 * What the engine sent, as the values that it stands for. Throws `EngineError` for an asset, and for an envelope that
 * the handshake did not ask for.
 */
export function decodeProperties(message: struct.Struct | undefined): Properties {
  return readProperties(message?.serializeBinary())
}

/** The same from the octets of a `google.protobuf.Struct`. */
export function readProperties(octets: Uint8Array | undefined): Properties {
  if (octets === undefined) return {}
  const reader = new Reader(octets)
  return fields(reader, reader.length, [])
}

const unknownStrings: ReadonlySet<string> = new Set(Object.values(unknowns))

/** Where the reader is, and how it got there; only an error asks for it, so it is one list for all. */
type Way = (string | number)[]

/** `Struct`: a map of fields, whose entries are messages of a key and a value. */
function fields(reader: Reader, end: number, way: Way): Properties {
  const entries: [name: string, value: Value][] = []
  while (reader.at < end) {
    if (reader.varint() !== structFields) throw new RangeError('a struct holds fields alone')
    const entryEnd = reader.end()
    let name = ''
    let value: Value = null
    while (reader.at < entryEnd) {
      const field = reader.varint()
      if (field === entryKey) name = reader.text()
      else if (field === entryValue) {
        way.push(name)
        value = decode(reader, reader.end(), way)
        way.pop()
      } else reader.skip(field & 7)
    }
    entries.push([name, value])
  }
  // It defines: a property may have any name.
  return Object.fromEntries(entries)
}

/** `Value`: one of its fields. */
function decode(reader: Reader, end: number, way: Way): Value {
  let value: Value = null
  while (reader.at < end) {
    const field = reader.varint()
    if (field === stringValue) {
      const text = reader.text()
      value = unknownStrings.has(text) ? unknown : text
    } else if (field === numberValue) value = reader.double()
    else if (field === boolValue) value = reader.varint() !== 0
    else if (field === listValue) value = items(reader, reader.end(), way)
    else if (field === structValue) {
      const properties = fields(reader, reader.end(), way)
      value = Object.hasOwn(properties, signatureKey) ? open(properties, way) : properties
    } else reader.skip(field & 7)
  }
  return value
}

function items(reader: Reader, end: number, way: Way): Value[] {
  const values: Value[] = []
  while (reader.at < end) {
    if (reader.varint() !== listValues) throw new RangeError('a list holds values alone')
    way.push(values.length)
    values.push(decode(reader, reader.end(), way))
    way.pop()
  }
  return values
}

/** The contents of an envelope; they are decoded already. */
function open(envelope: Properties, at: PropertyPath): Value {
  switch (envelope[signatureKey]) {
    case signatures.secret:
      if (envelope.value === undefined) throw malformed('a secret without a value', at)
      return secret(envelope.value)
    case signatures.output: {
      const value = envelope.value === undefined ? unknown : envelope.value
      return envelope.secret === true ? secret(value) : value
    }
    case signatures.resource: {
      // The id of a resource that is still to be made is empty; a component has none, and goes by its URN.
      const reference = envelope.id === undefined ? envelope.urn : envelope.id
      if (reference === undefined) throw malformed('a reference to no resource', at)
      return reference === '' ? unknown : reference
    }
    case signatures.asset:
    case signatures.archive:
      throw new EngineError('schema_violation', `property ${formatPath(at)} is an asset or an archive`, {
        remedy: 'give its text instead, for example with the file functions of the language',
      })
    case signatures.bytes:
      throw new EngineError('schema_violation', `property ${formatPath(at)} is no valid UTF-8 text`, {
        remedy: 'give binary content in base64 or PEM',
      })
    default:
      throw malformed('of a type that this provider does not know', at)
  }
}

const secret = (value: Value): SecretValue => (value instanceof SecretValue ? value : new SecretValue(value))

const malformed = (what: string, at: PropertyPath): EngineError =>
  new EngineError('malformed', `property ${formatPath(at)} is ${what}`, {
    remedy: 'update the Pulumi CLI or this provider, whichever is older',
  })
