import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfiguration } from '../engine/index.ts'

const examples = join(import.meta.dirname, '..', 'examples')
const folders = readdirSync(examples, { withFileTypes: true })
  .filter(entry => entry.isDirectory())
  .map(({ name }) => name)
// Programs of Pulumi are no manifests: test/e2e/pulumi-examples.test.ts runs them.
const isProgram = (name: string) => existsSync(join(examples, name, 'Pulumi.yaml'))

test('there are examples', () => expect(folders.filter(name => !isProgram(name)).length).toBeGreaterThan(3))

test.each(folders)('examples/%s has a README', name => expect(existsSync(join(examples, name, 'README.md'))).toBe(true))

describe.each(folders.filter(name => !isProgram(name)))('examples/%s', name => {
  const folder = join(examples, name)

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
