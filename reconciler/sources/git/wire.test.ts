import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sanitize } from './failure.ts'
import { packet, readPackets } from './pkt-line.ts'
import { parseTree } from './tree.ts'

const object = 'ab'.repeat(20)
const entry = (mode: string, name: string) =>
  Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(object, 'hex')])

const trees: [what: string, octets: Buffer, want: unknown][] = [
  ['a regular file', entry('100644', 'a.yaml'), [{ kind: 'file', name: 'a.yaml', object }]],
  ['an executable', entry('100755', 'a'), [{ kind: 'executable', name: 'a', object }]],
  ['a link', entry('120000', 'a'), [{ kind: 'link', name: 'a', object }]],
  ['a folder', entry('40000', 'a'), [{ kind: 'folder', name: 'a', object }]],
  ['a submodule', entry('160000', 'a'), [{ kind: 'submodule', name: 'a', object }]],
  ['an empty folder', Buffer.alloc(0), []],
  ['".."', entry('100644', '..'), undefined],
  ['"."', entry('40000', '.'), undefined],
  ['a slash', entry('100644', 'a/b'), undefined],
  ['no name', entry('100644', ''), undefined],
  ['an unknown mode', entry('100600', 'a'), undefined],
  ['a cut object name', entry('100644', 'a').subarray(0, -1), undefined],
  ['no end of the name', Buffer.from('100644 abc'), undefined],
]
test.each(trees)('a tree with %s', (_what, octets, want) => expect(parseTree(octets)).toEqual(want))

test('no octets make the readers fail otherwise than by saying so', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), octets => {
      const buffer = Buffer.from(octets)
      for (const found of parseTree(buffer) ?? []) expect(found.object).toMatch(/^[0-9a-f]{40}$/)
      readPackets(octets)
    }),
  )
})

test('packets are read as they were written', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1, maxLength: 500 })), texts => {
      const read = readPackets(Buffer.from(`${texts.map(packet).join('')}00010000`))
      const said = read?.map(each => (typeof each === 'string' ? each : Buffer.from(each).toString('utf8')))
      expect(said).toEqual([...texts.map(text => Buffer.from(text).toString('utf8')), 'delimiter', 'flush'])
    }),
  )
})

const said: [what: string, text: string, want: string][] = [
  ['a colour', '\u001b[31mred\u001b[0m', 'red'],
  ['a window title', '\u001b]0;title\u0007text', 'text'],
  ['a secret', 'token s3cr3t refused', 'token (secret) refused'],
  ['credentials of a URL', "fatal: 'https://u:p@host/x'", "fatal: 'https://(secret)@host/x'"],
  ['a header', 'sent Authorization: Basic dTpw', 'sent Authorization: Basic (secret)'],
]
test.each(said)('%s is taken out of what git says', (_what, text, want) =>
  expect(sanitize(text, ['s3cr3t'])).toBe(want))
