import struct from 'google-protobuf/google/protobuf/struct_pb.js'
import { type Properties, SecretValue, unknown, type Value } from '../../ports.ts'
import { signatureKey, signatures, unknowns } from './envelopes.ts'
import { fieldSize, Writer } from './protobuf.ts'
import {
  boolValue,
  entryKey,
  entryValue,
  listValue,
  listValues,
  nullValue,
  numberValue,
  stringValue,
  structFields,
  structValue,
} from './struct.ts'

/** Values as the engine reads them: secrets and unknowns in its envelopes. A property that is undefined is left out. */
export function encodeProperties(properties: Properties): struct.Struct {
  return struct.Struct.deserializeBinary(writeProperties(properties))
}

/** The same as the octets of a `google.protobuf.Struct`. */
export function writeProperties(properties: Properties): Uint8Array {
  const measured = structOf(properties)
  const writer = new Writer(measured.size)
  measured.write(writer)
  return writer.bytes
}

/** A message whose size is counted: it stands before what it counts. */
interface Measured {
  readonly size: number
  write(writer: Writer): void
}

function structOf(properties: Properties): Measured {
  const entries: Measured[] = []
  for (const [name, value] of Object.entries(properties)) {
    // What was typed may be absent all the same: an optional field that was spread.
    if (value !== undefined) entries.push(entryOf(name, encode(value)))
  }
  return repeated(structFields, entries)
}

function entryOf(name: string, value: Measured): Measured {
  const length = Buffer.byteLength(name)
  return {
    size: fieldSize(length) + fieldSize(value.size),
    write(writer) {
      writer.varint(entryKey)
      writer.text(name, length)
      embed(writer, entryValue, value)
    },
  }
}

function encode(value: Value): Measured {
  if (value === null) return flag(nullValue, 0)
  if (value === unknown) return textOf(unknowns.string)
  if (value instanceof SecretValue) return embedded(structValue, secretOf(value))
  switch (typeof value) {
    case 'string':
      return textOf(value)
    case 'number':
      return numberOf(value)
    case 'boolean':
      return flag(boolValue, value ? 1 : 0)
    default:
      return isList(value)
        ? embedded(listValue, repeated(listValues, value.map(encode)))
        : embedded(structValue, structOf(value))
  }
}

function secretOf({ value }: SecretValue): Measured {
  return repeated(structFields, [entryOf(signatureKey, textOf(signatures.secret)), entryOf('value', encode(value))])
}

function textOf(text: string): Measured {
  const length = Buffer.byteLength(text)
  return {
    size: fieldSize(length),
    write(writer) {
      writer.varint(stringValue)
      writer.text(text, length)
    },
  }
}

function numberOf(value: number): Measured {
  return {
    size: 9,
    write(writer) {
      writer.varint(numberValue)
      writer.double(value)
    },
  }
}

function flag(field: number, value: 0 | 1): Measured {
  return {
    size: 2,
    write(writer) {
      writer.varint(field)
      writer.varint(value)
    },
  }
}

function embedded(field: number, message: Measured): Measured {
  return { size: fieldSize(message.size), write: writer => embed(writer, field, message) }
}

function repeated(field: number, messages: readonly Measured[]): Measured {
  let size = 0
  for (const message of messages) size += fieldSize(message.size)
  return {
    size,
    write(writer) {
      for (const message of messages) embed(writer, field, message)
    },
  }
}

function embed(writer: Writer, field: number, message: Measured): void {
  writer.varint(field)
  writer.varint(message.size)
  message.write(writer)
}

// `Array.isArray` does not narrow a readonly list.
const isList = (value: readonly Value[] | Properties): value is readonly Value[] => Array.isArray(value)
