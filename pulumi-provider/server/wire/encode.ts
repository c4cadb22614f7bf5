import struct from 'google-protobuf/google/protobuf/struct_pb.js'
import { type Properties, SecretValue, unknown, type Value } from '../../ports.ts'
import { signatureKey, signatures, unknowns } from './envelopes.ts'

/** Values as the engine reads them: secrets and unknowns in its envelopes. A property that is undefined is left out. */
export function encodeProperties(properties: Properties): struct.Struct {
  const message = new struct.Struct()
  const map = message.getFieldsMap()
  for (const [name, value] of Object.entries(properties)) {
    // What was typed may be absent all the same: an optional field that was spread.
    if (value !== undefined) map.set(name, encode(value))
  }
  return message
}

function encode(value: Value): struct.Value {
  const message = new struct.Value()
  if (value === null) return message.setNullValue(struct.NullValue.NULL_VALUE)
  if (value === unknown) return message.setStringValue(unknowns.string)
  if (value instanceof SecretValue) return message.setStructValue(envelope(value))
  switch (typeof value) {
    case 'string':
      return message.setStringValue(value)
    case 'number':
      return message.setNumberValue(value)
    case 'boolean':
      return message.setBoolValue(value)
    default:
      return isList(value)
        ? message.setListValue(new struct.ListValue().setValuesList(value.map(encode)))
        : message.setStructValue(encodeProperties(value))
  }
}

function envelope({ value }: SecretValue): struct.Struct {
  const message = encodeProperties({ [signatureKey]: signatures.secret })
  message.getFieldsMap().set('value', encode(value))
  return message
}

// `Array.isArray` does not narrow a readonly list.
const isList = (value: readonly Value[] | Properties): value is readonly Value[] => Array.isArray(value)
