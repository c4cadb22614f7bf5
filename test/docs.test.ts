import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { commands } from '../engine/cli/commands.ts'
import { errorCatalogue } from '../engine/core/error-catalogue.ts'
import { dnsProviderTypes } from '../schemas/generated/catalogue.ts'

const root = join(import.meta.dirname, '..')
const docs = join(root, 'docs')
const page = (name: string) => readFileSync(join(docs, name), 'utf8')
const pages = [
  ...['README.md', 'ARCHITECTURE.md'].map(name => join(root, name)),
  ...[docs, join(root, 'examples')].flatMap(folder =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.md'))
      .map(name => join(folder, name)),
  ),
]

describe('what the pages promise', () => {
  test('errors.md explains every error code, and no other', () => {
    const explained = [...page('errors.md').matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code)
    expect(explained.toSorted()).toEqual(Object.keys(errorCatalogue).toSorted())
  })

  test('cli.md has every command', () => {
    expect(commands.map(({ name }) => name).filter(name => !page('cli.md').includes(`trustform ${name}`))).toEqual([])
  })

  test('dns-providers.md has every provider', () => {
    expect(dnsProviderTypes.filter(type => !page('dns-providers.md').includes(`| \`${type}\` |`))).toEqual([])
  })

  test('README.md leads to every page', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8')
    expect(readdirSync(docs).filter(name => name.endsWith('.md') && !readme.includes(`docs/${name}`))).toEqual([])
  })
})

test.each(pages.map(file => relative(root, file)))('%s: every link leads somewhere', name => {
  const text = readFileSync(join(root, name), 'utf8')
  const dead = [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
    if (/^[a-z]+:/.test(link)) return []
    const [path = '', heading] = link.split('#')
    const target = path === '' ? join(root, name) : join(root, dirname(name), path)
    if (!existsSync(target)) return [link]
    return heading === undefined || headings(target).includes(heading) ? [] : [link]
  })
  expect(dead).toEqual([])
})

/** As GitHub makes anchors of them. */
function headings(file: string): readonly string[] {
  return [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  )
}
