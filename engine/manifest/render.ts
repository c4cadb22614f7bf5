import { isJsonObject, type Json } from '../core/json.ts'
import { pointerTo } from '../core/pointer.ts'
import type { Pointer } from '../core/resource.ts'
import { visible } from '../core/visible.ts'
import type { LoadedConfiguration, LoadedResource } from './load.ts'
import { resolvePlainScalar } from './yaml-scalar.ts'

/**
 * The merged configuration as YAML that loads again; behind each value a comment tells the file and line that say
 * it, or `default`. Secrets are printed as their references, a literal as `(secret)`.
 */
export function renderConfiguration({ resources }: LoadedConfiguration): string {
  return resources.map(renderResource).join('')
}

function renderResource(resource: LoadedResource): string {
  const { kind, name, labels, lifecycle, spec } = resource
  const document: { readonly [key: string]: Json } = {
    apiVersion: 'trustform/v1',
    kind,
    metadata: { name, labels },
    spec,
    lifecycle: { ...lifecycle },
  }
  const lines: string[] = ['---']
  renderMap(document, '', '', lines, pointer => originOf(resource, pointer))
  return `${lines.join('\n')}\n`
}

function originOf(resource: LoadedResource, pointer: Pointer): string {
  const position = resource.origin(pointer)
  return position ? `# ${visible(position.file)}:${position.line}` : '# default'
}

type Origin = (pointer: Pointer) => string

function renderMap(
  map: { readonly [key: string]: Json | undefined },
  indent: string,
  pointer: Pointer,
  lines: string[],
  origin: Origin,
): void {
  for (const [key, value] of Object.entries(map)) {
    if (value !== undefined)
      renderEntry(`${indent}${scalar(key)}:`, value, indent, pointer + pointerTo(key), lines, origin)
  }
}

function renderEntry(
  head: string,
  value: Json,
  indent: string,
  pointer: Pointer,
  lines: string[],
  origin: Origin,
): void {
  const inner = `${indent}  `
  if (Array.isArray(value)) {
    const items = value as readonly Json[]
    if (items.length === 0) lines.push(`${head} [] ${origin(pointer)}`)
    else {
      lines.push(head)
      for (const [index, item] of items.entries())
        renderEntry(`${inner}-`, item, inner, pointer + pointerTo(index), lines, origin)
    }
  } else if (isJsonObject(value)) {
    if (value.literal === '(secret)') lines.push(`${head} (secret) ${origin(pointer)}`)
    else if (Object.keys(value).length === 0) lines.push(`${head} {} ${origin(pointer)}`)
    else {
      lines.push(head)
      renderMap(value, inner, pointer, lines, origin)
    }
  } else if (typeof value === 'string' && isBlock(value)) {
    lines.push(`${head} ${value.endsWith('\n') ? '|' : '|-'} ${origin(pointer)}`)
    for (const line of value.replace(/\n$/, '').split('\n')) lines.push(line === '' ? '' : `${inner}${line}`)
  } else {
    lines.push(`${head} ${typeof value === 'string' ? scalar(value) : JSON.stringify(value)} ${origin(pointer)}`)
  }
}

/** A text that a literal block gives back octet for octet, such as PEM. */
function isBlock(text: string): boolean {
  return (
    /^[\x21-\x7e][\x20-\x7e]*(\n[\x20-\x7e]*)*\n?$/.test(text) && text.includes('\n') && !/\n\n$|[ ]\n|^\n/.test(text)
  )
}

const plain = /^[A-Za-z0-9_./(][A-Za-z0-9_./@() *+-]*(:[A-Za-z0-9_./@*+-]+)*$/

/** A scalar in its plainest safe spelling; JSON strings are YAML double-quoted scalars (YAML 1.2.2 §1.3). */
function scalar(text: string): string {
  const isPlain =
    plain.test(text) && !text.endsWith(' ') && text !== '---' && text !== '...' && resolvePlainScalar(text) === text
  return isPlain
    ? text
    : JSON.stringify(text).replaceAll(
        /[\u007f-\u009f\u2028\u2029\ufeff]/g,
        character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
      )
}
