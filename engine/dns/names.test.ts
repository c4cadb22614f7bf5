import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  challengeName,
  identifierOf,
  isSameOrSubdomain,
  isSubdomain,
  labelsOf,
  normaliseName,
  parentOf,
  selfAndParents,
} from './names.ts'

const label = fc.stringMatching(/^[a-z0-9_]([a-z0-9-]{0,8}[a-z0-9])?$/)
const name = fc.array(label, { minLength: 1, maxLength: 5 }).map(labels => labels.join('.'))

describe('normaliseName', () => {
  const cases: [what: string, text: string, want: string][] = [
    ['lowers letters', 'WWW.Acme.Example', 'www.acme.example'],
    ['takes the final dot off', 'acme.example.', 'acme.example'],
    ['turns U-labels into A-labels', 'bücher.example', 'xn--bcher-kva.example'],
    ['keeps what looks like an address', '10.1', '10.1'],
    ['keeps underscores', '_acme-challenge.acme.example', '_acme-challenge.acme.example'],
    ['keeps a wildcard', '*.acme.example', '*.acme.example'],
    ['knows the root', '.', ''],
  ]
  test.each(cases)('%s', (_what, text, want) => expect(normaliseName(text)).toBe(want))

  test.each([
    ['an empty label', 'a..example'],
    ['a leading dot', '.example'],
    ['a space', 'a b.example'],
    ['a label of 64 octets', `${'a'.repeat(64)}.example`],
    ['more than 253 octets', `${'a.'.repeat(127)}example`],
    ['characters that no A-label has', 'exa\u0000mple.example'],
    ['a U-label that IDNA refuses', 'a\u2260.\u00a0example'],
  ])('refuses %s', (_what, text) => {
    expect(() => normaliseName(text)).toThrow(expect.objectContaining({ code: 'schema_violation' }))
  })

  test('is idempotent', () => {
    fc.assert(
      fc.property(name, text => {
        expect(normaliseName(normaliseName(text.toUpperCase()))).toBe(text)
      }),
    )
  })
})

describe('subdomains', () => {
  test('hold on label borders only', () => {
    expect(isSubdomain('notacme.example', 'acme.example')).toBe(false)
    expect(isSubdomain('www.acme.example', 'acme.example')).toBe(true)
    expect(isSubdomain('acme.example', 'acme.example')).toBe(false)
    expect(isSameOrSubdomain('acme.example', 'acme.example')).toBe(true)
    expect(isSubdomain('example', '')).toBe(true)
  })

  test('agree with comparing labels from the right', () => {
    const related = fc.tuple(name, name, fc.boolean()).map(([a, b, below]) => [below ? `${a}.${b}` : a, b] as const)
    fc.assert(
      fc.property(related, ([child, parent]) => {
        const above = labelsOf(parent)
        const tail = labelsOf(child).slice(-above.length)
        const below = labelsOf(child).length > above.length && tail.join('.') === above.join('.')
        expect(isSubdomain(child, parent)).toBe(below)
      }),
    )
  })

  test('every name is the same as or below each of its parents', () => {
    fc.assert(
      fc.property(name, text => {
        const chain = selfAndParents(text)
        expect(chain).toHaveLength(labelsOf(text).length)
        expect(chain.every(at => isSameOrSubdomain(text, at))).toBe(true)
        expect(chain.slice(1)).toEqual(selfAndParents(parentOf(text) ?? ''))
      }),
    )
  })
})

test('a wildcard is challenged at the name below it', () => {
  expect(identifierOf('*.Acme.example.')).toBe('acme.example')
  expect(challengeName('*.acme.example')).toBe('_acme-challenge.acme.example')
})
