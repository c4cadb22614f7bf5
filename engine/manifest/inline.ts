import { isUtf8 } from 'node:buffer'
import { dirname, isAbsolute, join } from 'node:path'
import { type Diagnostic, EngineError } from '../core/errors.ts'
import { isJsonObject } from '../core/json.ts'
import { pointerTokens } from '../core/pointer.ts'
import { type Declared, factsOfDeclared, fieldInWords, isUnknown, layerOf, problemOf } from './declared.ts'
import type { SourceFiles } from './files.ts'
import { matches, replaced } from './pattern.ts'

/** Octets of a file that a field may name. */
const largestFile = 1024 * 1024

/** Puts the content of files in the place of `{file: PATH}`. A path counts from the file that says it. */
export async function inlineFiles(declared: Declared, files: SourceFiles): Promise<Diagnostic[]> {
  const problems: Diagnostic[] = []
  for (const { pattern, into } of factsOfDeclared(declared).files) {
    for (const { pointer, value } of matches(declared.value.spec, pattern)) {
      const path = into === undefined ? (isJsonObject(value) ? value.file : undefined) : value
      const at = `/spec${pointer}`
      if (typeof path !== 'string' || isUnknown(declared, at)) continue
      const home = dirname(layerOf(declared, at)?.source.file ?? '')
      try {
        const octets = await files.read(isAbsolute(path) ? path : join(home, path), largestFile)
        if (!isUtf8(octets)) throw notText(path)
        const text = Buffer.from(octets)
          .toString('utf8')
          .replace(/^\ufeff/, '')
        let spec = replaced(declared.value.spec ?? {}, pointerTokens(into ?? pointer), text)
        if (into !== undefined) spec = replaced(spec, pointerTokens(pointer), undefined)
        declared.value = { ...declared.value, spec }
      } catch (error) {
        problems.push(unreadable(declared, at, error))
      }
    }
  }
  return problems
}

function unreadable(declared: Declared, pointer: string, error: unknown): Diagnostic {
  if (!(error instanceof EngineError)) throw error
  const message = `names a file at ${fieldInWords(pointer)}: ${error.message}`
  return problemOf(declared, pointer, { code: error.code, message, remedy: error.remedy ?? 'check the path' })
}

function notText(path: string): EngineError {
  return new EngineError('input_unreadable', `"${path}" is not UTF-8 text`, { remedy: 'give a PEM file' })
}
