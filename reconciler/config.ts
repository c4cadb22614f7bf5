import { dirname, resolve } from 'node:path'
import {
  type Diagnostic,
  DiagnosticsError,
  EngineError,
  fileSystem,
  type JsonObject,
  loadSettings,
  parseDuration,
  type Settings,
  type SourceFiles,
} from '../engine/index.ts'
import type { DeclaredSource } from './services.ts'
import { problemsOf } from './sources/check.ts'
import type { ForgeSpec, SourceSpec } from './sources/source.ts'

/** `reconciler.yaml` with its defaults. */
export interface Config {
  readonly listen: Listen
  readonly publicUrl?: string
  readonly state?: string
  readonly egressAllow: readonly string[]
  readonly allowInsecureGit: boolean
  readonly sources: readonly DeclaredSource[]
  /** Folder that relative paths of secret files start at. */
  readonly folder: string
}

export interface Listen {
  readonly host: string
  /** 0 for any that is free. */
  readonly port: number
}

/** What of the file the schema guarantees. */
interface File {
  readonly listen: string
  readonly publicUrl?: string
  readonly state?: string
  readonly egress: { readonly allow: readonly string[] }
  readonly git: { readonly allowInsecure: boolean }
  readonly sources: readonly FileSource[]
}

interface FileSource extends Omit<SourceSpec, 'interval' | 'forge'> {
  readonly interval: string | number
  readonly forge?: ForgeSpec
  readonly suspended: boolean
}

/** Shorter would be more than polite to somebody's git server. */
const shortestInterval = 5
const largestText = 1024 * 1024

/** Reads the configuration file. Throws `DiagnosticsError` with everything that is wrong with it. */
export async function loadConfig(file: string, files?: SourceFiles): Promise<Config> {
  const reader = files ?? (await fileSystem())
  const { settings, diagnostics } = await loadSettings('reconciler', file, reader)
  const problems = settings
    ? await beyondSchema(settings, dirname(file), reader)
    : { diagnostics: [], texts: new Map() }
  const all = [...diagnostics, ...problems.diagnostics]
  if (all.length > 0 || !settings) throw new DiagnosticsError(all)
  return configOf(settings.value as unknown as File, resolve(dirname(file)), problems.texts) // as validated
}

/** The configuration of a service that has no file. */
export const emptyConfig = (folder: string): Config => ({
  listen: { host: '127.0.0.1', port: 8080 },
  egressAllow: [],
  allowInsecureGit: false,
  sources: [],
  folder,
})

/** `HOST:PORT`, as the command line and the file have it. Throws `usage`. */
export function parseListen(text: string): Listen {
  const [, host = '', port = ''] = /^(\[[0-9a-fA-F:.]+\]|[^:\s]+):(\d{1,5})$/.exec(text) ?? []
  if (host !== '' && Number(port) <= 65_535) return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
  throw new EngineError('usage', `"${text}" is not an address to listen at`, {
    remedy: 'write HOST:PORT, such as 127.0.0.1:8080 or [::]:8080',
  })
}

type Texts = ReadonlyMap<string, string>

/** What a schema cannot say, and files that take the place of their names. */
async function beyondSchema(
  { value, problemAt }: Settings,
  folder: string,
  files: SourceFiles,
): Promise<{ readonly diagnostics: readonly Diagnostic[]; readonly texts: Texts }> {
  const diagnostics: Diagnostic[] = []
  const texts = new Map<string, string>()
  const { sources, git } = value as unknown as File // as validated
  const names = new Set<string>()
  for (const [index, source] of sources.entries()) {
    const pointer = `/sources/${index}`
    const key = `${source.tenant}/${source.name}`
    if (names.has(key)) {
      const message = `has a second source "${source.name}"`
      const facts = { code: 'duplicate_resource', message, remedy: 'give each source a name of its own' } as const
      diagnostics.push(problemAt(`${pointer}/name`, facts))
    }
    names.add(key)
    if (parseDuration(source.interval) < shortestInterval) {
      const message = `has a sources[${index}].interval below ${shortestInterval}s`
      const facts = { code: 'schema_violation', message, remedy: 'poll less often, or use a webhook' } as const
      diagnostics.push(problemAt(`${pointer}/interval`, facts))
    }
    const unread: string[] = []
    for (const [field, given] of Object.entries(source.requireSignedBy ?? {})) {
      if (typeof given !== 'object' || given === null || !('file' in given)) continue
      const at = `${pointer}/requireSignedBy/${field}`
      try {
        const octets = await files.read(resolve(folder, String(given.file)), largestText)
        texts.set(at, Buffer.from(octets).toString('utf8'))
      } catch (error) {
        if (!(error instanceof EngineError)) throw error
        const { code, message, remedy = 'check the path' } = error
        diagnostics.push(problemAt(`${at}/file`, { code, message: `names a file that fails: ${message}`, remedy }))
        unread.push(`/requireSignedBy/${field}`)
      }
    }
    const signers = source.requireSignedBy && { requireSignedBy: signersOf(source.requireSignedBy, texts, pointer) }
    for (const problem of await problemsOf({ ...source, ...signers }, { allowInsecure: git.allowInsecure })) {
      const { code, message, remedy } = problem
      if (unread.includes(problem.pointer)) continue
      const told = `of the source "${source.name}" is refused: ${message}`
      const diagnostic = problemAt(`${pointer}${problem.pointer}`, { code, message: told, remedy })
      // A refused URL may be one that holds a password.
      diagnostics.push(problem.pointer === '/url' ? withoutLine(diagnostic) : diagnostic)
    }
  }
  return { diagnostics, texts }
}

/** Where it stands, without what stands there. */
function withoutLine({ position, ...diagnostic }: Diagnostic): Diagnostic {
  if (!position) return diagnostic
  const { file, line, column } = position
  return { ...diagnostic, position: { file, line, column } }
}

function configOf(file: File, folder: string, texts: Texts): Config {
  const { listen, publicUrl, state, egress, git, sources } = file
  return {
    listen: parseListen(listen),
    ...(publicUrl !== undefined && { publicUrl: publicUrl.replace(/\/+$/, '') }),
    ...(state !== undefined && { state }),
    egressAllow: egress.allow,
    allowInsecureGit: git.allowInsecure,
    sources: sources.map((source, index) =>
      declaredSource(source, folder, signers => signersOf(signers, texts, `/sources/${index}`)),
    ),
    folder,
  }
}

function declaredSource(
  { suspended, interval, credentials, requireSignedBy, webhookSecret, forge, ...plain }: FileSource,
  folder: string,
  resolved: (signers: JsonObject) => JsonObject,
): DeclaredSource {
  const spec: SourceSpec = {
    ...plain,
    interval: parseDuration(interval),
    ...(credentials && { credentials: rebased(credentials, folder) }),
    ...(requireSignedBy && { requireSignedBy: resolved(requireSignedBy) }),
    ...(webhookSecret !== undefined && { webhookSecret: rebased({ it: webhookSecret }, folder).it as JsonObject }),
    ...(forge && { forge: { ...forge, token: rebased({ it: forge.token }, folder).it as JsonObject } }),
  }
  return { spec, suspended }
}

/** The texts themselves in place of the files that hold them: what is checked here is what commits are held to. */
function signersOf(signers: JsonObject, texts: Texts, pointer: string): JsonObject {
  return Object.fromEntries(
    Object.entries(signers).map(([field, given]) => [field, texts.get(`${pointer}/requireSignedBy/${field}`) ?? given]),
  )
}

/** Secret files are named from where the configuration stands, wherever the service runs. */
function rebased(values: JsonObject, folder: string): JsonObject {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const isFile = typeof value === 'object' && value !== null && 'file' in value && typeof value.file === 'string'
      return [name, isFile ? { file: resolve(folder, String(value.file)) } : value]
    }),
  )
}
