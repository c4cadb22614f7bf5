import type { Finished } from '../servers/pulumi.ts'

/** What a run of the CLI did, from its own record of events, and what it printed. */
export interface Outcome {
  /** By logical name: `same`, `create`, `update`, `replace`, `delete`, `import`; in a refresh, what was found. */
  readonly steps: Readonly<Record<string, string>>
  /** By logical name: the properties that differ. */
  readonly differing: Readonly<Record<string, readonly string[]>>
  /** By logical name: those of them that ask for a replacement. */
  readonly replacing: Readonly<Record<string, readonly string[]>>
  /** What was told, each with its severity before it: `warning: …`. */
  readonly told: readonly string[]
  /** Everything that was printed. */
  readonly text: string
}

interface Metadata {
  readonly op: string
  readonly urn: string
  readonly type: string
  readonly detailedDiff?: Readonly<Record<string, { readonly diffKind: string }>> | null
}

/** A line of the CLI's record, as far as it is read here. */
interface EngineEvent {
  readonly resourcePreEvent?: { readonly metadata: Metadata }
  readonly resOutputsEvent?: { readonly metadata: Metadata }
  readonly diagnosticEvent?: { readonly severity: string; readonly message: string }
}

const ours = /^trustform:index:/

/** Reads the record of events; one that saw nothing of any resource or run is an error of the caller's. */
export function outcomeOf(command: string, { stdout, stderr }: Finished, log: string): Outcome {
  const events = log
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as EngineEvent) // the CLI's own format
  if (events.length === 0) throw new Error(`the run left no events:\n${stdout}\n${stderr}`)
  const steps: Record<string, string> = {}
  const differing: Record<string, readonly string[]> = {}
  const replacing: Record<string, readonly string[]> = {}
  for (const { resourcePreEvent: before, resOutputsEvent: after } of events) {
    const metadata = before?.metadata ?? after?.metadata
    if (!metadata || !ours.test(metadata.type)) continue
    const name = metadata.urn.split('::').at(-1) ?? ''
    // What a refresh found is known after it only; one on the way of something else is no step of its own.
    if (metadata.op === 'refresh') {
      if (after && command === 'refresh') steps[name] ??= 'same'
      continue
    }
    const op = /replace/.test(metadata.op) ? 'replace' : metadata.op
    if (steps[name] !== 'replace') steps[name] = op
    if (!metadata.detailedDiff) continue
    const kinds = Object.entries(metadata.detailedDiff)
    differing[name] = kinds.map(([path]) => path).toSorted()
    replacing[name] = kinds.flatMap(([path, { diffKind }]) => (/replace/.test(diffKind) ? [path] : [])).toSorted()
  }
  const told = events.flatMap(({ diagnosticEvent: said }) =>
    said && said.severity !== 'debug'
      ? [`${said.severity}: ${said.message.replaceAll(/<\{%[^%]*%\}>/g, '').trim()}`]
      : [],
  )
  return { steps, differing, replacing, told, text: stdout + stderr }
}
