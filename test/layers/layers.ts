/** A part of the code: where it is, and what it may import beside itself. */
export interface Layer {
  /** Folder or file; the longest that fits a path is its layer. `*` stands for one folder. */
  readonly at: string
  /** Layers by their `at`. */
  readonly may: readonly string[]
}

const core = 'engine/core'
const kindShared = 'engine/kinds'
const doors = ['engine/index.ts', 'schemas']

/** Who may import whom: DESIGN section 2 as data. */
export const layers: readonly Layer[] = [
  { at: core, may: [] },
  { at: 'engine/x509', may: [core] },
  { at: 'engine/secrets', may: [core] },
  { at: 'engine/net', may: [core] },
  { at: 'engine/state', may: [core] },
  // Chooses a store by the scheme of its URL.
  { at: 'engine/state/open.ts', may: [core, 'engine/state', 'engine/state/stores/*'] },
  { at: 'engine/state/stores/*', may: [core, 'engine/state'] },
  { at: 'engine/dns', may: [core] },
  { at: 'engine/dns/providers/*', may: [core, 'engine/dns'] },
  // What a configuration may hold is generated from the schemas.
  { at: 'engine/manifest', may: [core, 'schemas'] },
  { at: 'engine/events', may: [core, 'engine/state'] },
  { at: 'engine/access', may: [core, 'engine/state', 'engine/events'] },
  { at: 'engine/acme', may: [core, 'engine/x509', 'engine/dns'] },
  { at: 'engine/acme/solvers', may: [core, 'engine/x509', 'engine/dns', 'engine/acme'] },
  // The driver contract, and what several kinds need of authorities and specs.
  { at: kindShared, may: [core, 'engine/x509', 'schemas'] },
  {
    at: 'engine/kinds/*',
    may: [
      core,
      'engine/x509',
      'engine/acme',
      'engine/acme/solvers',
      'engine/dns',
      'engine/secrets',
      kindShared,
      'schemas',
    ],
  },
  { at: 'engine/planner', may: [core, kindShared] },
  { at: 'engine/planner/render', may: [core, kindShared, 'engine/planner'] },
  { at: 'engine/executor', may: [core, kindShared, 'engine/planner', 'engine/state', 'engine/events'] },
  // The composition root wires everything but the doors.
  { at: 'engine/composition', may: ['engine', 'schemas'] },
  { at: 'engine/index.ts', may: ['engine', 'schemas'] },
  // Two commands open another door; it is loaded when they are called.
  { at: 'engine/cli', may: [...doors, 'engine/cli/commands/serve.ts', 'engine/cli/commands/pr.ts'] },
  { at: 'engine/cli/commands/serve.ts', may: [...doors, 'engine/cli', 'reconciler'] },
  { at: 'engine/cli/commands/pr.ts', may: [...doors, 'engine/cli', 'reconciler'] },
  { at: 'reconciler', may: doors },
  { at: 'pulumi-provider', may: doors },
  { at: 'terraform-provider', may: doors },
  // Generated validators name the diagnostics of the core.
  { at: 'schemas', may: [core] },
  // The generator writes validators that run with the manifest's own patterns.
  { at: 'scripts', may: [core, 'schemas', 'engine/manifest'] },
]

/** `engine` in a `may` list stands for all of the engine below its doors. */
const engineBelowDoors = (at: string): boolean =>
  at.startsWith('engine/') && !['engine/cli', 'engine/index.ts'].includes(at)

/** The layer of a path, with the folder that `*` stands for; undefined where the table does not know it. */
export function layerOf(path: string, table: readonly Layer[] = layers): { layer: Layer; part: string } | undefined {
  const found = table
    .flatMap(layer => {
      const [part] = new RegExp(`^${layer.at.replaceAll('.', '\\.').replace('*', '[^/]+')}(?=/|$)`).exec(path) ?? []
      // A file directly in `engine/kinds` is no kind.
      return part === undefined || (layer.at.endsWith('*') && part === path) ? [] : [{ layer, part }]
    })
    .toSorted((a, b) => b.part.length - a.part.length)
  return found[0]
}

/** What is wrong with one import, as a sentence. */
export function violation(from: string, to: string): string | undefined {
  const [importer, imported] = [layerOf(from), layerOf(to)]
  if (!importer) return `${from} is in no layer: add its folder to test/layers/layers.ts`
  if (!imported) return to === 'package.json' ? undefined : `${from} imports ${to}, which is in no layer`
  if (importer.part === imported.part) return undefined
  const allowed = importer.layer.may.some(may =>
    may === 'engine' ? engineBelowDoors(imported.layer.at) : may === imported.layer.at,
  )
  return allowed ? undefined : `${from} (${importer.part}) must not import ${to} (${imported.part})`
}
