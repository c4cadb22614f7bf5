import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatAddress, parseAddress } from './address.ts'
import { formatDuration, parseDuration } from './duration.ts'
import { EngineError } from './errors.ts'
import { secretPointers } from './fingerprint.ts'
import { newId } from './ids.ts'
import type { Json, JsonObject } from './json.ts'
import { pointerTo, pointerTokens, valueAt, withValueAt } from './pointer.ts'
import { Secret } from './secret.ts'

/** The code that something ends with, or its answer. */
function codeOf<T>(work: () => T): T | string {
  try {
    return work()
  } catch (error) {
    if (error instanceof EngineError) return error.code
    throw error
  }
}

describe('an address', () => {
  const cases: [text: string, want: unknown][] = [
    ['Certificate/edge', { kind: 'Certificate', name: 'edge' }],
    ['Secret/a/b', { kind: 'Secret', name: 'a/b' }],
    ['edge', 'address_invalid'],
    ['/edge', 'address_invalid'],
    ['Certificate/', 'address_invalid'],
    ['', 'address_invalid'],
  ]
  test.each(cases)('%j', (text, want) => expect(codeOf(() => parseAddress(text))).toEqual(want))
  test('is what its parts make', () => expect(formatAddress('Role', 'web')).toBe('Role/web'))
})

describe('a duration', () => {
  const cases: [text: string | number, seconds: number | string][] = [
    ['30d', 2_592_000],
    ['720h', 2_592_000],
    ['1h30m', 5400],
    ['1y', 31_536_000],
    ['2w', 1_209_600],
    ['90', 90],
    [90, 90],
    ['', 0],
    ['1x', 'schema_violation'],
    ['h', 'schema_violation'],
    ['1.5h', 'schema_violation'],
    ['-1h', 'schema_violation'],
    ['1h ', 'schema_violation'],
  ]
  test.each(cases)('%j', (text, seconds) => expect(codeOf(() => parseDuration(text))).toBe(seconds))

  test('is read back from its shortest spelling', () => {
    fc.assert(fc.property(fc.nat(), seconds => parseDuration(formatDuration(seconds)) === seconds))
    expect([2_592_000, 5400, 61, 0].map(formatDuration)).toEqual(['30d', '90m', '61s', '0s'])
  })
})

describe('a pointer', () => {
  test('keeps any tokens (RFC 6901 §3)', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), tokens => {
        expect(pointerTokens(pointerTo(...tokens))).toEqual(tokens)
      }),
    )
    expect(pointerTo('a/b', 'm~n', 0)).toBe('/a~1b/m~0n/0')
  })

  const document = { list: [{ x: 1 }, { x: 2 }], 'a/b': null, deep: { er: true } }
  const cases: [pointer: string, want: Json | undefined][] = [
    ['', document],
    ['/list/1/x', 2],
    ['/a~1b', null],
    ['/list/7/x', undefined],
    ['/deep/er/than', undefined],
    ['/constructor', undefined],
  ]
  test.each(cases)('%j leads to its value', (pointer, want) => expect(valueAt(document, pointer)).toEqual(want))

  test('sets one value and shares the rest', () => {
    const changed = withValueAt(document, '/list/1/x', 3)
    expect(changed).toEqual({ ...document, list: [{ x: 1 }, { x: 3 }] })
    expect(changed.deep).toBe(document.deep)
    expect(document.list[1]).toEqual({ x: 2 })
  })
})

test('fingerprints are found wherever they stand', () => {
  const spec: JsonObject = {
    a: { $secret: '1' },
    list: [{ $secret: '2' }, 'x'],
    'm/n': { o: { $secret: '3' } },
    p: null,
  }
  expect(secretPointers(spec)).toEqual(['/a', '/list/0', '/m~1n/o'])
})

test('a secret shows itself in no way but one', () => {
  const secret = new Secret('canary')
  const shown = [
    `${secret}`,
    String(secret),
    JSON.stringify({ secret }),
    inspect(secret, { showHidden: true, depth: 9 }),
  ]
  expect(shown.join(' ')).not.toContain('canary')
  expect([...Object.keys(secret), ...Object.values(secret)]).toEqual([])
  expect(secret.reveal()).toBe('canary')
})

test('an id has its prefix and a hundred bits of the source', () => {
  const octets = Uint8Array.from({ length: 20 }, (_, index) => index * 13)
  expect(newId('cert', { bytes: () => octets })).toMatch(/^cert_[0-9a-hjkmnp-tv-z]{20}$/)
  expect(newId('cert', { bytes: () => octets.map(octet => octet + 1) })).not.toBe(
    newId('cert', { bytes: () => octets }),
  )
})

test('an error tells all that it knows, once', () => {
  const cause = new Error('below')
  const error = new EngineError('in_use', 'it is used', { remedy: 'stop using it', address: 'Role/web', cause })
  expect(error.toDiagnostic()).toEqual({
    severity: 'error',
    code: 'in_use',
    message: 'it is used',
    remedy: 'stop using it',
    address: 'Role/web',
  })
  expect([error.cause, error.facts]).toEqual([cause, { status: 409, retry: 'after-edit' }])
})
