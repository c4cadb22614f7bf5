import { fixed64, lengthDelimited, tag, varint } from './protobuf.ts'

/** Tags of `google/protobuf/struct.proto`. A map is a list of entries with a key and a value. */
export const structFields = tag(1, lengthDelimited)
export const entryKey = tag(1, lengthDelimited)
export const entryValue = tag(2, lengthDelimited)
export const nullValue = tag(1, varint)
export const numberValue = tag(2, fixed64)
export const stringValue = tag(3, lengthDelimited)
export const boolValue = tag(4, varint)
export const structValue = tag(5, lengthDelimited)
export const listValue = tag(6, lengthDelimited)
export const listValues = tag(1, lengthDelimited)
