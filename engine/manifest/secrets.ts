import type { Diagnostic } from '../core/errors.ts'
import { isJsonObject, type Json } from '../core/json.ts'
import { pointerTokens } from '../core/pointer.ts'
import type { Pointer, SecretField, SecretReference } from '../core/resource.ts'
import { Secret } from '../core/secret.ts'
import { type Declared, factsOfDeclared, fieldInWords, problemOf } from './declared.ts'
import { matches, replaced } from './pattern.ts'

/**
 * Finds the secret references of a resource. A literal is wrapped at once and leaves `{literal: "(secret)"}` in the
 * spec, so that nothing after this can print it.
 */
export function takeSecrets(declared: Declared): { secrets: SecretField[]; warnings: Diagnostic[] } {
  const secrets: SecretField[] = []
  const warnings: Diagnostic[] = []
  const facts = factsOfDeclared(declared)
  for (const pattern of facts.secrets) {
    for (const { pointer, value } of matches(declared.value.spec, pattern)) {
      if (typeof value !== 'string') {
        secrets.push({ pointer, reference: referenceOf(value) })
        continue
      }
      secrets.push({ pointer, reference: { literal: new Secret(value) } })
      const spec = replaced(declared.value.spec ?? {}, pointerTokens(pointer), {
        literal: '(secret)',
      })
      declared.value = { ...declared.value, spec }
      warnings.push(literalWarning(declared, pointer))
    }
  }
  for (const pattern of facts.secretable) {
    for (const { pointer, value } of matches(declared.value.spec, pattern)) {
      if (isJsonObject(value)) secrets.push({ pointer, reference: referenceOf(value) })
    }
  }
  return { secrets, warnings }
}

function referenceOf(value: Json): SecretReference {
  const reference = isJsonObject(value) ? value : {}
  for (const source of ['env', 'file', 'secret', 'age'] as const) {
    const named = reference[source]
    // The shape of each member is {name: string}; a computed key loses that for the compiler.
    if (typeof named === 'string') return { [source]: named } as unknown as SecretReference
  }
  throw new Error('a secret that passed validation is neither a text nor a reference')
}

function literalWarning(declared: Declared, pointer: Pointer): Diagnostic {
  const at = `/spec${pointer}`
  return problemOf(declared, at, {
    severity: 'warning',
    code: 'literal_secret',
    message: `has a secret in clear at ${fieldInWords(at)}`,
    remedy:
      'use {env: NAME}, {file: PATH}, {secret: PATH} or {age: …} instead, and change the secret: it may be in the history of the file',
    part: 'key',
  })
}
