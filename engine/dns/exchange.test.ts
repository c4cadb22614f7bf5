import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { answersTo, ask, ExchangeFailure, type Protocol, socketTransport } from './exchange.ts'
import { classes, opcodes, recordTypes } from './wire/codes.ts'
import { encodeMessage, type Message, queryMessage, updateMessage } from './wire/message.ts'
import { textData } from './wire/records.ts'

const query = queryMessage(0x1234, 'acme.example', recordTypes.TXT, false)
const record = { name: 'acme.example', type: recordTypes.TXT, class: classes.IN, ttl: 1, data: textData('yes') }
const answer: Message = { ...query, response: true, authoritative: true, answers: [record] }
const otherQuestion = [{ name: 'other.example', type: recordTypes.TXT, class: classes.IN }]

describe('a response belongs to a request', () => {
  const update = updateMessage(7, 'acme.example', [])
  test.each<[what: string, request: Message, response: Partial<Message>, want: boolean]>([
    ['with the same identifier and question', query, {}, true],
    ['whatever the case of the name', query, { questions: [{ name: 'ACME.example', type: 16, class: 1 }] }, true],
    ['not with another identifier', query, { id: 0x1235 }, false],
    ['not when it is a request itself', query, { response: false }, false],
    ['not with another opcode', query, { opcode: opcodes.UPDATE }, false],
    ['not for another name', query, { questions: otherQuestion }, false],
    ['not for another type', query, { questions: [{ name: 'acme.example', type: 1, class: 1 }] }, false],
    ['not without a question', query, { questions: [] }, false],
    ['without a question when it is an error', query, { questions: [], rcode: 1 }, true],
    ['without a zone when it answers an update', update, { questions: [], opcode: opcodes.UPDATE, id: 7 }, true],
  ])('%s', (_what, request, response, want) => {
    expect(answersTo(request)(encodeMessage({ ...answer, ...response }))).toBe(want)
  })
})

const opened: { close(): unknown }[] = []
afterEach(() => {
  for (const each of opened.splice(0)) each.close()
})

/** Answers each UDP question with these messages in turn, and each TCP connection by `serve`. */
async function server(udp: readonly Message[], serve: (socket: Socket) => void = () => undefined): Promise<number> {
  const tcp = createServer(socket => {
    opened.push({ close: () => socket.destroy() })
    socket.on('error', () => socket.destroy())
    socket.once('data', () => serve(socket))
  })
  tcp.listen(0, '127.0.0.1')
  await once(tcp, 'listening')
  const address = tcp.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const socket = createSocket('udp4')
  socket.on('message', (_question, peer) => {
    for (const message of udp) socket.send(encodeMessage(message), peer.port, peer.address)
  })
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  opened.push(tcp, socket)
  return port
}

const framed = (octets: Uint8Array) => Buffer.concat([Uint8Array.of(octets.length >> 8, octets.length & 0xff), octets])

const askAt = (port: number, protocol: Protocol, timeout = 5000) =>
  ask(socketTransport, { host: '127.0.0.1', port }, query, { protocol, timeout })

describe('over sockets', () => {
  test('UDP waits past answers that belong to somebody else', async () => {
    const strangers = [
      { ...answer, id: 1, answers: [] },
      { ...answer, questions: otherQuestion, answers: [] },
    ]
    const found = await askAt(await server([...strangers, answer]), 'udp')
    expect(found.answers).toHaveLength(1)
  })

  test('a truncated answer is asked for again over TCP', async () => {
    const port = await server([{ ...answer, truncated: true, answers: [] }], socket =>
      socket.end(framed(encodeMessage(answer))),
    )
    expect((await askAt(port, 'udp')).answers).toHaveLength(1)
  })

  test('TCP puts an answer together that arrives in pieces', async () => {
    const port = await server([], socket => {
      const octets = framed(encodeMessage(answer))
      socket.setNoDelay()
      socket.write(octets.subarray(0, 1), () =>
        socket.write(octets.subarray(1, 20), () => socket.write(octets.subarray(20))),
      )
    })
    expect((await askAt(port, 'tcp')).answers).toHaveLength(1)
  })

  test.each<[what: string, serve: (socket: Socket) => void, reason: string]>([
    ['a connection closed before the answer', socket => socket.end(), 'unreachable'],
    [
      'a connection closed inside the answer',
      socket => socket.end(framed(encodeMessage(answer)).subarray(0, 9)),
      'unreachable',
    ],
    ['an answer to something else', socket => socket.end(framed(encodeMessage({ ...answer, id: 1 }))), 'malformed'],
    ['octets that are no message', socket => socket.end(framed(Buffer.from('\x12\x34not a message'))), 'malformed'],
    ['silence', () => undefined, 'timeout'],
  ])('TCP reports %s', async (_what, serve, reason) => {
    const failure = await askAt(await server([], serve), 'tcp', reason === 'timeout' ? 50 : 5000).catch(error => error)
    expect(failure).toBeInstanceOf(ExchangeFailure)
    expect(failure.reason).toBe(reason)
  })

  test.each<Protocol>(['udp', 'tcp'])('a closed port is told at once over %s', async protocol => {
    const port = await server([])
    for (const each of opened.splice(0)) each.close()
    const failure = await askAt(port, protocol).catch(error => error)
    expect([failure.reason, failure.message]).toEqual(['unreachable', expect.stringContaining('ECONNREFUSED')])
  })

  test.each<Protocol>(['udp', 'tcp'])('the signal ends the wait over %s', async protocol => {
    const port = await server([])
    const stop = new AbortController()
    const waiting = ask(socketTransport, { host: '127.0.0.1', port }, query, { protocol, signal: stop.signal })
    stop.abort(new Error('stopped'))
    await expect(waiting).rejects.toThrow('stopped')
    const late = ask(socketTransport, { host: '127.0.0.1', port }, query, { protocol, signal: stop.signal })
    await expect(late).rejects.toThrow('stopped')
  })
})
