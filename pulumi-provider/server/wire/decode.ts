import type struct from 'google-protobuf/google/protobuf/struct_pb.js'
import { EngineError } from '../../../engine/index.ts'
import { type Properties, SecretValue, unknown, type Value } from '../../ports.ts'
import { signatureKey, signatures, unknowns } from './envelopes.ts'
import { formatPath, type PropertyPath } from './property-path.ts'

/**
 * What the engine sent, as the values that it stands for. Throws `EngineError` for an asset, and for an envelope that
 * the handshake did not ask for.
 */
export function decodeProperties(message: struct.Struct | undefined): Properties {
  return message === undefined ? {} : fields(message, [])
}

const unknownStrings: ReadonlySet<string> = new Set(Object.values(unknowns))

function fields(message: struct.Struct, at: PropertyPath): Properties {
  const entries: [name: string, value: Value][] = []
  message.getFieldsMap().forEach((value, name) => {
    entries.push([name, decode(value, [...at, name])])
  })
  // It defines: a property may have any name.
  return Object.fromEntries(entries)
}

function decode(message: struct.Value, at: PropertyPath): Value {
  if (message.hasStringValue()) {
    const text = message.getStringValue()
    return unknownStrings.has(text) ? unknown : text
  }
  if (message.hasNumberValue()) return message.getNumberValue()
  if (message.hasBoolValue()) return message.getBoolValue()
  const list = message.getListValue()
  if (list) return list.getValuesList().map((item, index) => decode(item, [...at, index]))
  const object = message.getStructValue()
  if (!object) return null
  const properties = fields(object, at)
  return Object.hasOwn(properties, signatureKey) ? open(properties, at) : properties
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
