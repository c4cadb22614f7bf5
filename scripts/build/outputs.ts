import type { Metafile } from 'esbuild'

type Output = Metafile['outputs'][string]

/** The written files that an entry point loads, at once or later, itself included. Paths are the metafile's own. */
export function outputsOf({ outputs }: Metafile, entryPoint: string): ReadonlyMap<string, Output> {
  const [entry] = Object.entries(outputs).find(([, output]) => output.entryPoint === entryPoint) ?? []
  if (entry === undefined) throw new Error(`${entryPoint} was not bundled`)
  const reached = new Map<string, Output>()
  const visit = (path: string) => {
    const output = outputs[path]
    if (!output || reached.has(path)) return
    reached.set(path, output)
    for (const { path: imported, external } of output.imports) if (!external) visit(imported)
  }
  visit(entry)
  return reached
}
