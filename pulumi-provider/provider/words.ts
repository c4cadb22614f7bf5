import { type Diagnostic, DiagnosticsError, EngineError } from '../../engine/index.ts'
import { propertyPath } from './pointers.ts'

/** The engine's sentences name the command line and manifests; a program has other words for the same. */
const words: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/with --adopt\b/g, 'with adopt: true'],
  [/add --allow \S+/g, 'set allowDestroy: true on it'],
  [/set lifecycle\.protect to false and apply that first/g, 'set lifecycle.protect to false and run `pulumi up` first'],
  [/remove it there, rename it here/g, 'remove it there, give it another name here'],
  [/\bplan again(?: and (?:apply the new plan|review the difference))?/g, 'run `pulumi up` again'],
  [/\bapply (?:the \w+ )?again\b/g, 'run `pulumi up` again'],
  [/\bapply it first\b/g, 'run `pulumi up` for it first'],
  [
    /\blet it be made anew: plan with drift healed \([^)]*\), or declare another one/g,
    'let it be made anew: `pulumi refresh`, then `pulumi up`; or use another one',
  ],
  [/neither declared nor recorded/g, 'neither part of this stack nor recorded'],
  [
    /declare it, or correct the reference; `trustform list` shows what exists/g,
    'pass the name output of the resource that it names, or correct it; `trustform list` shows what exists',
  ],
  [/, or \{external: ID\} for an object that this configuration does not manage/g, ''],
  [/--state(?: sqlite:PATH)?/g, '`pulumi config set trustform:state sqlite:PATH`'],
  [/\bset TRUSTFORM_MASTER_KEY_FILE\b/g, 'set trustform:masterKeyFile (or TRUSTFORM_MASTER_KEY_FILE)'],
  [/\bupgrade trustform to\b/g, 'install the plugin of'],
  [/\bwhere trustform runs\b/g, 'where pulumi runs'],
  [/--http-01-listen HOST:PORT/g, '`pulumi config set trustform:http01Listen HOST:PORT`'],
  [/--resolver HOST:PORT/g, '`pulumi config set trustform:resolver HOST:PORT`'],
  [/\b(?:spec|metadata)\.(?=[a-z])/g, ''],
]

/** Before a deletion nothing is declared any more, or it is all to go: the word has to be recorded first. */
export function inWordsOfDeletion(text: string): string {
  return text.replaceAll(/add --allow \S+/g, 'set allowDestroy: true on it, run `pulumi up`, and delete it then')
}

export function inPulumiWords(text: string): string {
  return words.reduce((told, [pattern, instead]) => told.replaceAll(pattern, instead), text)
}

export function diagnosticInPulumiWords<D extends Pick<Diagnostic, 'message' | 'remedy'>>(diagnostic: D): D {
  const { message, remedy } = diagnostic
  return {
    ...diagnostic,
    message: inPulumiWords(message),
    ...(remedy !== undefined && { remedy: inPulumiWords(remedy) }),
  }
}

/** The same error in other words; what is none of ours stays as it is. */
export function errorInWords(error: unknown, tell: (text: string) => string): unknown {
  const told = ({ message, remedy, address, details }: Diagnostic) => ({
    // Which field it is, where the sentence names only what is hidden.
    message:
      typeof details?.pointer === 'string' ? `${propertyPath(details.pointer)}: ${tell(message)}` : tell(message),
    ...(remedy !== undefined && { remedy: tell(remedy) }),
    // It is told before the message, and has the name in it.
    ...(address !== undefined && { address: tell(address) }),
  })
  if (error instanceof DiagnosticsError) {
    return new DiagnosticsError(error.diagnostics.map(each => ({ ...each, ...told(each) })))
  }
  if (!(error instanceof EngineError)) return error
  const { code, position, retryAfter, details } = error
  const { message, ...rest } = told(error.toDiagnostic())
  return new EngineError(code, message, { ...rest, position, retryAfter, details, cause: error })
}
