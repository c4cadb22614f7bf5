import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import ts from 'typescript'

/** Relative imports of the product's sources, static and dynamic, as TypeScript reads them; tests are left out. */
export function readImports(root: string, folders: readonly string[]): Map<string, string[]> {
  const imports = new Map<string, string[]>()
  for (const folder of folders) {
    for (const entry of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      const path = join(folder, entry)
      if (!/\.[cm]?ts$/.test(path) || /\.test\.ts$|\/(fixtures|golden)\//.test(path)) continue
      const { importedFiles } = ts.preProcessFile(readFileSync(join(root, path), 'utf8'), true, true)
      const relative = importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
      imports.set(
        path,
        relative.map(({ fileName }) => normalize(join(dirname(path), fileName))),
      )
    }
  }
  return imports
}
