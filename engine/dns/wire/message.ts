import { classes, opcodes, recordTypes } from './codes.ts'
import { encodeName, readName } from './name.ts'
import { concat, MalformedMessage, type OctetReader, readUint, uint } from './octets.ts'
import { encodeData, type RecordData, type ResourceRecord, readData } from './records.ts'

export interface Question {
  readonly name: string
  readonly type: number
  readonly class: number
}

/**
 * A DNS message (RFC 1035 §4). In an UPDATE (RFC 2136 §2) `questions` is the zone, `answers` the prerequisites
 * and `authorities` the updates.
 */
export interface Message {
  readonly id: number
  readonly opcode: number
  readonly rcode: number
  /** QR: this is a response. */
  readonly response: boolean
  /** AA: the server answers from a zone that it serves. */
  readonly authoritative: boolean
  /** TC: the answer did not fit; ask again over TCP. */
  readonly truncated: boolean
  readonly recursionDesired: boolean
  readonly recursionAvailable: boolean
  readonly questions: readonly Question[]
  readonly answers: readonly ResourceRecord[]
  readonly authorities: readonly ResourceRecord[]
  readonly additionals: readonly ResourceRecord[]
}

const blank = {
  rcode: 0,
  response: false,
  authoritative: false,
  truncated: false,
  recursionDesired: false,
  recursionAvailable: false,
  questions: [],
  answers: [],
  authorities: [],
  additionals: [],
} as const

/** A query for one RRset. `recursion` sets RD: on for a resolver, off for an authoritative server. */
export function queryMessage(id: number, name: string, type: number, recursion: boolean): Message {
  const questions = [{ name, type, class: classes.IN }]
  return { ...blank, id, opcode: opcodes.QUERY, recursionDesired: recursion, questions }
}

/** What an update does to one value: RFC 2136 §2.5.1 adds it, §2.5.4 deletes exactly it. */
export interface UpdateStep {
  readonly action: 'add' | 'delete'
  readonly name: string
  readonly type: number
  readonly ttl: number
  readonly data: RecordData
}

/** An UPDATE of one zone without prerequisites: adding and deleting a value are idempotent by themselves. */
export function updateMessage(id: number, zone: string, steps: readonly UpdateStep[]): Message {
  return {
    ...blank,
    id,
    opcode: opcodes.UPDATE,
    questions: [{ name: zone, type: recordTypes.SOA, class: classes.IN }],
    authorities: steps.map(({ action, name, type, ttl, data }) =>
      action === 'add'
        ? { name, type, class: classes.IN, ttl, data }
        : { name, type, class: classes.NONE, ttl: 0, data },
    ),
  }
}

export function encodeMessage(message: Message): Uint8Array {
  const flags =
    (message.response ? 0x8000 : 0) |
    (message.opcode << 11) |
    (message.authoritative ? 0x0400 : 0) |
    (message.truncated ? 0x0200 : 0) |
    (message.recursionDesired ? 0x0100 : 0) |
    (message.recursionAvailable ? 0x0080 : 0) |
    message.rcode
  const sections = [message.questions, message.answers, message.authorities, message.additionals]
  return concat(
    uint(message.id, 2),
    uint(flags, 2),
    ...sections.map(section => uint(section.length, 2)),
    ...message.questions.map(({ name, type, class: c }) => concat(encodeName(name), uint(type, 2), uint(c, 2))),
    ...[...message.answers, ...message.authorities, ...message.additionals].map(encodeRecord),
  )
}

export function encodeRecord(record: ResourceRecord): Uint8Array {
  const data = encodeData(record.data)
  return concat(
    encodeName(record.name),
    uint(record.type, 2),
    uint(record.class, 2),
    uint(record.ttl, 4),
    uint(data.length, 2),
    data,
  )
}

/** Where the last additional record starts: TSIG is cut off there (RFC 8945 §5.2). */
export interface DecodedMessage extends Message {
  readonly lastRecordOffset: number
}

/** Reads a whole message. Throws `MalformedMessage` for anything that is not exactly one. */
export function decodeMessage(bytes: Uint8Array): DecodedMessage {
  const reader: OctetReader = { bytes, offset: 0 }
  const id = readUint(reader, 2)
  const flags = readUint(reader, 2)
  const [questionCount = 0, answerCount = 0, authorityCount = 0, additionalCount = 0] = [1, 2, 3, 4].map(() =>
    readUint(reader, 2),
  )
  let lastRecordOffset = bytes.length
  const records = (count: number) =>
    times(count, () => {
      lastRecordOffset = reader.offset
      return readRecord(reader)
    })
  const questions = times(questionCount, () => readQuestion(reader))
  const answers = records(answerCount)
  const authorities = records(authorityCount)
  const additionals = records(additionalCount)
  if (reader.offset !== bytes.length) throw new MalformedMessage('octets follow the last record')
  return {
    id,
    opcode: (flags >> 11) & 0xf,
    rcode: flags & 0xf,
    response: (flags & 0x8000) !== 0,
    authoritative: (flags & 0x0400) !== 0,
    truncated: (flags & 0x0200) !== 0,
    recursionDesired: (flags & 0x0100) !== 0,
    recursionAvailable: (flags & 0x0080) !== 0,
    questions,
    answers,
    authorities,
    additionals,
    lastRecordOffset,
  }
}

function times<T>(count: number, read: () => T): T[] {
  const items: T[] = []
  for (let index = 0; index < count; index++) items.push(read())
  return items
}

function readQuestion(reader: OctetReader): Question {
  return { name: readName(reader), type: readUint(reader, 2), class: readUint(reader, 2) }
}

function readRecord(reader: OctetReader): ResourceRecord {
  const name = readName(reader)
  const type = readUint(reader, 2)
  const recordClass = readUint(reader, 2)
  const ttl = readUint(reader, 4)
  const length = readUint(reader, 2)
  return { name, type, class: recordClass, ttl, data: readData(reader, type, length) }
}
