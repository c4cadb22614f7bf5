import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { topologicalOrder } from '../engine/core/graph.ts'
import { readImports } from './layers/imports.ts'
import { layerOf, layers, violation } from './layers/layers.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const folders = ['engine', 'schemas', 'scripts', 'reconciler', 'pulumi-provider', 'terraform-provider']
const imports = readImports(
  root,
  folders.filter(folder => existsSync(join(root, folder))),
)

/** Layers of the design that later issues build. */
const notYet = ['reconciler', 'pulumi-provider', 'terraform-provider']

test('every layer was seen, with its files and imports', () => {
  const seen = new Map(layers.map(({ at }) => [at, 0]))
  for (const path of imports.keys()) {
    const at = layerOf(path)?.layer.at
    if (at !== undefined) seen.set(at, (seen.get(at) ?? 0) + 1)
  }
  const empty = [...seen].flatMap(([at, files]) => (files === 0 ? [at] : []))
  expect(empty.filter(at => !notYet.includes(at))).toEqual([])
  expect([...imports.values()].flat().length).toBeGreaterThan(imports.size)
})

test('every folder of code is in a layer', () => {
  expect([...imports.keys()].filter(path => !layerOf(path))).toEqual([])
  const source = (name: string) => !['node_modules', 'dist', 'test', 'examples', 'docs', 'bin'].includes(name)
  const holdsCode = readdirSync(root, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && source(entry.name) && !entry.name.startsWith('.'))
    .filter(({ name }) =>
      readdirSync(join(root, name), { recursive: true, encoding: 'utf8' }).some(path => /\.[cm]?tsx?$/.test(path)),
    )
  expect(holdsCode.map(({ name }) => name).filter(name => !folders.includes(name))).toEqual([])
})

test('nobody imports what its layer may not', () => {
  const wrong = [...imports].flatMap(([from, targets]) => targets.flatMap(to => violation(from, to) ?? []))
  expect(wrong).toEqual([])
})

test('nobody imports in a circle', () => {
  const graph = new Map([...imports].map(([from, targets]) => [from, targets.filter(to => imports.has(to))]))
  const sorted = topologicalOrder(graph)
  expect('cycle' in sorted ? sorted.cycle : []).toEqual([])
})

const made: [what: string, from: string, to: string, allowed: boolean][] = [
  ['the core imports nothing', 'engine/core/a.ts', 'engine/x509/b.ts', false],
  ['a kind imports the driver contract', 'engine/kinds/role/a.ts', 'engine/kinds/driver.ts', true],
  ['a kind never imports another', 'engine/kinds/role/a.ts', 'engine/kinds/secret/b.ts', false],
  ['what kinds share knows no kind', 'engine/kinds/a.ts', 'engine/kinds/secret/b.ts', false],
  ['a kind never imports the store', 'engine/kinds/role/a.ts', 'engine/state/store.ts', false],
  ['a provider imports its port', 'engine/dns/providers/rfc2136/a.ts', 'engine/dns/provider.ts', true],
  [
    'a provider never imports another',
    'engine/dns/providers/rfc2136/a.ts',
    'engine/dns/providers/powerdns/b.ts',
    false,
  ],
  ['the planner never imports the store', 'engine/planner/a.ts', 'engine/state/store.ts', false],
  ['a plan does not know how it is shown', 'engine/planner/a.ts', 'engine/planner/render/b.ts', false],
  ['the executor imports the plan', 'engine/executor/a.ts', 'engine/planner/plan.ts', true],
  ['the composition wires a store', 'engine/composition/a.ts', 'engine/state/open.ts', true],
  ['the engine knows no door', 'engine/composition/a.ts', 'engine/cli/main.ts', false],
  ['a door imports the public face', 'engine/cli/a.ts', 'engine/index.ts', true],
  ['a door imports nothing else', 'engine/cli/a.ts', 'engine/core/errors.ts', false],
  ['a door never imports another', 'reconciler/a.ts', 'engine/cli/main.ts', false],
  ['an unlisted folder may nothing', 'engine/new/a.ts', 'engine/core/errors.ts', false],
]
test.each(made)('%s', (_what, from, to, allowed) => expect(violation(from, to) === undefined).toBe(allowed))
