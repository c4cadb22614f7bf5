import type { MethodDefinition } from '@grpc/grpc-js'
import { fieldSize, lengthDelimited, Reader, tag, Writer } from './protobuf.ts'

/**
 * A message without its structs, and these in octets beside it: `readProperties` and `writeProperties` take them. So
 * the generated classes never see them, and an error in one is the answer to the call.
 */
export interface Carried<Message, Name extends string> {
  readonly message: Message
  readonly structs: { readonly [name in Name]?: Uint8Array }
}

/** Field numbers of a message's structs, by the name that they are carried under. */
type Numbers<Name extends string> = Readonly<Record<Name, number>>

/** A procedure whose structs are carried. */
export function carrying<Request, Response, Asked extends string, Answered extends string>(
  definition: MethodDefinition<Request, Response>,
  asked: Numbers<Asked>,
  answered: Numbers<Answered>,
): MethodDefinition<Carried<Request, Asked>, Carried<Response, Answered>> {
  const { requestSerialize, requestDeserialize, responseSerialize, responseDeserialize } = definition
  return {
    ...definition,
    requestSerialize: ({ message, structs }) => joined(requestSerialize(message), structs, asked),
    requestDeserialize: octets => parted(octets, requestDeserialize, asked),
    responseSerialize: ({ message, structs }) => joined(responseSerialize(message), structs, answered),
    responseDeserialize: octets => parted(octets, responseDeserialize, answered),
  }
}

function parted<Message, Name extends string>(
  octets: Buffer,
  deserialize: (octets: Buffer) => Message,
  numbers: Numbers<Name>,
): Carried<Message, Name> {
  const names = new Map(Object.entries<number>(numbers).map(([name, number]) => [tag(number, lengthDelimited), name]))
  const structs: { [name: string]: Uint8Array } = {}
  const rest: Uint8Array[] = []
  const reader = new Reader(octets)
  while (reader.at < reader.length) {
    const start = reader.at
    const field = reader.varint()
    const name = names.get(field)
    if (name === undefined) {
      reader.skip(field & 7)
      rest.push(reader.bytes(start, reader.at))
    } else {
      const end = reader.end()
      structs[name] = reader.bytes(reader.at, end)
      reader.at = end
    }
  }
  // The names are those of `numbers`.
  return { message: deserialize(Buffer.concat(rest)), structs: structs as Carried<Message, Name>['structs'] }
}

/** The order of fields means nothing. */
function joined<Name extends string>(
  octets: Buffer,
  structs: { readonly [name in Name]?: Uint8Array },
  numbers: Numbers<Name>,
): Buffer {
  const parts: Uint8Array[] = [octets]
  for (const [name, number] of Object.entries<number>(numbers)) {
    const struct = structs[name as Name] // a key of `numbers`
    if (!struct) continue
    const head = new Writer(fieldSize(struct.length) - struct.length)
    head.varint(tag(number, lengthDelimited))
    head.varint(struct.length)
    parts.push(head.bytes, struct)
  }
  return Buffer.concat(parts)
}
