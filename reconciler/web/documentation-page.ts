import type { Json, JsonObject } from '../../engine/index.ts'
import { type Html, html } from './html.ts'
import { page } from './page.ts'

interface Operation {
  readonly path: string
  readonly method: string
  readonly operation: JsonObject
}

/** The OpenAPI document for people: what the document says and nothing else. */
export function documentationPage(document: JsonObject): Html {
  const operations = operationsOf(document)
  const tags = [...new Set(operations.map(({ operation }) => tagOf(operation)))]
  const schemas = Object.entries(objectAt(objectAt(document, 'components'), 'schemas'))
  return page(
    'Trustform API',
    html`<header><h1>Trustform API</h1><span class="soft">${text(objectAt(document, 'info').version)}</span>
<nav><a href="/">Status</a><a href="/v1/openapi.json">OpenAPI</a></nav></header>
<main>
<section><h2>How to ask</h2><div class="operation"><p>Send an API key as <code>Authorization: Bearer KEY</code>; each operation names the scope that the key needs. Lists answer <code>data</code>, <code>has_more</code> and, where another page follows, <code>next_cursor</code>. Failures are problem documents (RFC 9457) with <code>code</code> and <code>remedy</code>; <code>Retry-After</code> says when another attempt can help.</p></div></section>
${tags.map(
  tag =>
    html`<section id="${anchor(tag)}"><h2>${capital(tag)}</h2>${operations
      .filter(({ operation }) => tagOf(operation) === tag)
      .map(shownOperation)}</section>`,
)}
<section><h2>Objects</h2>${schemas.map(([name, schema]) => shownSchema(name, asObject(schema)))}</section>
<section id="errors"><h2>Errors</h2><div class="scroll"><table><thead><tr><th scope="col">Code</th><th scope="col">Status</th><th scope="col">Another attempt helps</th></tr></thead><tbody>
${Object.entries(objectAt(document, 'x-errors')).map(
  ([code, facts]) =>
    html`<tr id="error-${code}"><td><code>${code}</code></td><td>${text(asObject(facts).status)}</td><td>${retries[text(asObject(facts).retry)] ?? ''}</td></tr>`,
)}</tbody></table></div></section>
</main>`,
  )
}

const retries: Readonly<Record<string, string>> = {
  never: 'no',
  'after-edit': 'after a change of the request or configuration',
  'after-approval': 'after an approval',
  wait: 'later',
  'at-once': 'at once',
}

function operationsOf(document: JsonObject): readonly Operation[] {
  return Object.entries(objectAt(document, 'paths')).flatMap(([path, methods]) =>
    Object.entries(asObject(methods)).map(([method, operation]) => ({
      path,
      method: method.toUpperCase(),
      operation: asObject(operation),
    })),
  )
}

function shownOperation({ path, method, operation }: Operation): Html {
  const parameters = arrayAt(operation, 'parameters').map(asObject)
  const scopes = arrayAt(operation, 'security').flatMap(each => arrayAt(asObject(each), 'key'))
  const body = objectAt(objectAt(objectAt(operation, 'requestBody'), 'content'), 'application/json')
  return html`<div class="operation" id="${text(operation.operationId)}"><h3><span class="method">${method}</span> <code>${path}</code></h3>
<p>${capital(text(operation.summary))}. ${scopes.length > 0 && html`<span class="chip none">${scopes.map(text).join(', ')}</span>`}</p>
${operation.description !== undefined && html`<p class="soft">${prose(text(operation.description))}</p>`}
${
  parameters.length > 0 &&
  html`<table><tbody>${parameters.map(
    parameter =>
      html`<tr><td><code>${text(parameter.name)}</code></td><td class="soft">${text(parameter.in)}</td><td>${prose(text(parameter.description))}</td></tr>`,
  )}</tbody></table>`
}
${body.schema !== undefined && html`<p>Takes ${typeOf(asObject(body.schema))}.</p>`}
<p>Answers ${Object.entries(objectAt(operation, 'responses')).map(([status, answer], index) => html`${index > 0 && ', '}${shownAnswer(status, asObject(answer))}`)}.</p></div>`
}

function shownAnswer(status: string, answer: JsonObject): Html {
  const content = Object.values(objectAt(answer, 'content')).map(asObject)
  const [first] = content
  const schema = first && asObject(first.schema)
  if (answer.$ref !== undefined) return html`<span class="soft">${status}</span>`
  return html`<b>${status}</b>${schema && html` ${typeOf(schema)}`}`
}

function shownSchema(name: string, schema: JsonObject): Html {
  const required = arrayAt(schema, 'required').map(text)
  return html`<div class="operation" id="schema-${name}"><h3>${name}</h3><p class="soft">${prose(text(schema.description))}</p><table><tbody>${Object.entries(
    objectAt(schema, 'properties'),
  ).map(
    ([field, node]) =>
      html`<tr><td class="tight"><code>${field}</code>${required.includes(field) && ' *'}</td><td class="tight soft">${typeOf(asObject(node))}</td><td>${prose(text(asObject(node).description))}</td></tr>`,
  )}</tbody></table></div>`
}

/** A schema in a few words, with a link where it has a name. */
function typeOf(schema: JsonObject): Html {
  if (typeof schema.$ref === 'string') {
    const name = schema.$ref.split('/').at(-1) ?? ''
    return html`<a href="#schema-${name}">${name}</a>`
  }
  if (schema.type === 'array') return html`list of ${typeOf(objectAt(schema, 'items'))}`
  const alternatives = arrayAt(schema, 'anyOf').map(asObject)
  if (alternatives.length > 0)
    return html`${alternatives.map((each, index) => html`${index > 0 && ' or '}${typeOf(each)}`)}`
  const data = objectAt(schema, 'properties').data
  if (data !== undefined) return html`{data: ${typeOf(asObject(data))}}`
  const choices = arrayAt(schema, 'enum').map(text)
  if (choices.length > 0) return html`${choices.join(' | ')}`
  if (schema.type === 'null') return html`nothing`
  return html`${[schema.type ?? 'any'].flat().map(text).join(' or ')}`
}

const tagOf = (operation: JsonObject): string => text(arrayAt(operation, 'tags')[0])
const anchor = (tag: string): string => tag.toLowerCase().replaceAll(' ', '-')
/** Descriptions put code into backticks. */
const prose = (words: string): Html =>
  html`${words.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`
const capital = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1)
const text = (value: Json | undefined): string => (value === undefined || value === null ? '' : String(value))

function asObject(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}
}

const objectAt = (node: JsonObject, name: string): JsonObject => asObject(node[name])

function arrayAt(node: JsonObject, name: string): readonly Json[] {
  const value = node[name]
  return Array.isArray(value) ? (value as readonly Json[]) : []
}
