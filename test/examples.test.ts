import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfiguration } from '../engine/index.ts'

const examples = join(import.meta.dirname, '..', 'examples')
const folders = readdirSync(examples, { withFileTypes: true }).filter(entry => entry.isDirectory())

test('there are examples', () => expect(folders.length).toBeGreaterThan(3))

describe.each(folders.map(({ name }) => name))('examples/%s', name => {
  const folder = join(examples, name)

  test('has a README', () => expect(existsSync(join(folder, 'README.md'))).toBe(true))

  test('loads without an error or a warning, each overlay too', async () => {
    const base = join(folder, 'base')
    const overlays = readdirSync(folder, { withFileTypes: true })
      .filter(entry => entry.isDirectory() && existsSync(base) && entry.name !== 'base')
      .map(entry => [base, join(folder, entry.name)])
    const inputs = existsSync(base) ? [[base], ...overlays] : [[folder]]
    for (const paths of inputs) {
      const { configuration, diagnostics } = await loadConfiguration(paths)
      expect(diagnostics).toEqual([])
      expect(configuration?.resources.length).toBeGreaterThan(1)
    }
  })
})
