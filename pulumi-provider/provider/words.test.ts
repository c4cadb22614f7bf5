import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Diagnostic, DiagnosticsError, EngineError } from '../../engine/index.ts'
import { sentenceOf } from '../ports.ts'
import { errorInWords, inPulumiWords, inWordsOfDeletion } from './words.ts'

/** As the sources have them; `…` stands for what is put in. */
const sentences: [engine: string, program: string][] = [
  ['or take it over with --adopt', 'or take it over with adopt: true'],
  ['set lifecycle.protect to false and apply that first', 'set lifecycle.protect to false and run `pulumi up` first'],
  [
    'check the credentials and the provider, then plan again',
    'check the credentials and the provider, then run `pulumi up` again',
  ],
  ['plan again and review the difference', 'run `pulumi up` again'],
  [
    'check the network and the directory URL, then apply again',
    'check the network and the directory URL, then run `pulumi up` again',
  ],
  ['apply again later: it goes on with the same order', 'run `pulumi up` again later: it goes on with the same order'],
  ['apply the AcmeAccount again: it registers the same key', 'run `pulumi up` again: it registers the same key'],
  ['or apply the account again', 'or run `pulumi up` again'],
  ['apply it first, or correct the reference', 'run `pulumi up` for it first, or correct the reference'],
  [
    'let it be made anew: plan with drift healed (`drift: heal` of the source), or declare another one',
    'let it be made anew: `pulumi refresh`, then `pulumi up`; or use another one',
  ],
  ['is neither declared nor recorded', 'is neither part of this stack nor recorded'],
  [
    'declare it, or correct the reference; `trustform list` shows what exists',
    'pass the name output of the resource that it names, or correct it; `trustform list` shows what exists',
  ],
  ['a name, or {external: ID} for an object that this configuration does not manage', 'a name'],
  [
    'name the right file with --state, or restore a backup',
    'name the right file with `pulumi config set trustform:state sqlite:PATH`, or restore a backup',
  ],
  [
    'name another file with --state sqlite:PATH',
    'name another file with `pulumi config set trustform:state sqlite:PATH`',
  ],
  [
    'set TRUSTFORM_MASTER_KEY_FILE to the file with the master key',
    'set trustform:masterKeyFile (or TRUSTFORM_MASTER_KEY_FILE) to the file with the master key',
  ],
  ['upgrade trustform to the version that wrote it', 'install the plugin of the version that wrote it'],
  [' where trustform runs', ' where pulumi runs'],
  [
    'or choose another with --http-01-listen HOST:PORT',
    'or choose another with `pulumi config set trustform:http01Listen HOST:PORT`',
  ],
  [
    'check the resolver, or name another one with --resolver HOST:PORT',
    'check the resolver, or name another one with `pulumi config set trustform:resolver HOST:PORT`',
  ],
]

const root = join(import.meta.dirname, '..', '..')
const sources = globSync(['engine/**/*.ts', 'schemas/vocabulary.json'], { cwd: root })
  .filter(path => !path.endsWith('.test.ts'))
  .map(path => readFileSync(join(root, path), 'utf8'))

test.each(sentences)('%s', (engine, program) => {
  expect(inPulumiWords(engine)).toBe(program)
  // A sentence that the engine no longer says needs no words here.
  expect(sources.some(source => source.includes(engine))).toBe(true)
})

test.each([
  ['"Web Server" as metadata.name, expected a name', '"Web Server" as name, expected a name'],
  ['a list as spec.role, expected a name', 'a list as role, expected a name'],
  ['if you mean it, add --allow CertificateAuthority/root', 'if you mean it, set allowDestroy: true on it'],
])('%s', (engine, program) => {
  expect(inPulumiWords(engine)).toBe(program)
})

test('before a deletion the word has to be recorded', () => {
  expect(inWordsOfDeletion('if you mean it, add --allow CertificateAuthority/root')).toBe(
    'if you mean it, set allowDestroy: true on it, run `pulumi up`, and delete it then',
  )
})

const inOtherWords: [what: string, error: unknown][] = [
  ['an error', new EngineError('not_found', 'geheim is not there', { address: 'Role/geheim', remedy: 'make geheim' })],
  [
    'one of several',
    new DiagnosticsError([
      {
        severity: 'error',
        code: 'not_found',
        message: 'geheim is not there',
        address: 'Role/geheim',
        remedy: 'make geheim',
      },
    ]),
  ],
]
test.each(inOtherWords)('every word of %s is told, also the address before it', (_what, error) => {
  const told = errorInWords(error, text => text.replaceAll('geheim', '(secret)'))
  const diagnostics: readonly Diagnostic[] =
    told instanceof EngineError ? [told.toDiagnostic()] : told instanceof DiagnosticsError ? told.diagnostics : []
  expect(diagnostics.map(sentenceOf)).toEqual(['Role/(secret): (secret) is not there\n  remedy: make (secret)'])
})
