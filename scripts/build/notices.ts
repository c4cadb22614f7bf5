import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license?: string
}

/**
 * The licences of the packages among these source files, as most of them ask of whoever passes their code on. A
 * package without the text of a licence stops the build.
 */
export function thirdPartyNotices(root: string, sources: Iterable<string>): string {
  const folders = new Set<string>()
  for (const source of sources) {
    const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(source) ?? []
    if (folder !== undefined) folders.add(folder)
  }
  const notices = [...folders].toSorted().map(folder => notice(join(root, folder)))
  const intro = 'Trustform contains code of these packages, under these licences.\n'
  return [intro, ...notices].join(`\n${'-'.repeat(78)}\n\n`)
}

function notice(folder: string): string {
  // What npm installed has one of this shape.
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  const files = readdirSync(folder).toSorted()
  const read = (file: string) => readFileSync(join(folder, file), 'utf8')
  const own = files.filter(file => /^(licen[cs]e|notice|copying)/i.test(file)).map(read)
  // Some say it in their readme alone.
  const said = files
    .filter(file => /^readme/i.test(file))
    .flatMap(file => /^#+ *licen[cs]e\b.*$/ims.exec(read(file)) ?? [])
  const texts = (own.length > 0 ? own : said).map(text => text.trim())
  if (texts.length === 0) throw new Error(`${name} ${version} (${license}) has no text of a licence`)
  return `${name} ${version} (${license ?? 'see below'})\n\n${texts.join('\n\n')}\n`
}
