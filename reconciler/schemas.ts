import { Ajv2020 } from 'ajv/dist/2020.js'
import type { FastifyInstance } from 'fastify'
import api from '../schemas/api.json' with { type: 'json' }

/** Refers to a definition of `schemas/api.json`. */
export const view = (name: keyof typeof api.$defs) => ({ $ref: `${api.$id}#/$defs/${name}` })

/** A page of a list. */
export function listOf(name: keyof typeof api.$defs) {
  return {
    type: 'object',
    properties: {
      data: { type: 'array', items: view(name) },
      has_more: { type: 'boolean', description: 'Whether another page follows.' },
      next_cursor: { type: 'string', description: 'Passed as `cursor`, gets the next page.' },
    },
    required: ['data', 'has_more'],
  } as const
}

/** One object, as the seeds wrap it. */
export function enveloped(name: keyof typeof api.$defs) {
  return {
    type: 'object',
    properties: { status: { const: 'success' }, data: view(name) },
    required: ['status', 'data'],
  } as const
}

export const apiSchema = api

/**
 * Validates with JSON Schema 2020-12, as our schemas are written. Texts of paths and queries become numbers and
 * booleans where the schema wants them; bodies are taken as they are. Every violation is told, not only the first.
 */
export function compilers(app: FastifyInstance): void {
  const common = {
    allErrors: true,
    useDefaults: true,
    ownProperties: true,
    strictTypes: false,
    strictRequired: false,
  } as const
  const body = new Ajv2020({ ...common, formats })
  const text = new Ajv2020({ ...common, formats, coerceTypes: true })
  for (const ajv of [body, text]) {
    ajv.addVocabulary(['example'])
    ajv.addSchema(api)
  }
  app.addSchema(api)
  app.setValidatorCompiler(({ schema, httpPart }) => (httpPart === 'body' ? body : text).compile(schema as object))
}

/** RFC 3339 instants; other formats only describe. */
const formats = {
  'date-time': (value: string) =>
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i.test(value) && !Number.isNaN(Date.parse(value)),
  uri: (value: string) => URL.canParse(value),
  'uri-reference': true,
} as const
