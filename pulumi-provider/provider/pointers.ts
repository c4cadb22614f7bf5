import type { Value } from '../ports.ts'
import { formatPath } from '../property-path.ts'
import { isList, valueAtTokens } from './values.ts'

/**
 * Pulumi's path of a property for a pointer into a document: `/spec/domains/1` is `domains[1]`, `/metadata/labels/a.b`
 * is `labels["a.b"]`. What is a list is seen in the values. `''` for the whole.
 */
export function propertyPath(pointer: string, ...values: readonly (Value | undefined)[]): string {
  const tokens = propertyTokens(pointer)
  const steps = tokens.map((token, index) => {
    const around = values.map(value => valueAtTokens(value, tokens.slice(0, index)))
    const isInList = around.some(value => typeof value === 'object' && value !== null && isList(value))
    return isInList && /^\d+$/.test(token) ? Number(token) : token
  })
  return formatPath(steps)
}

/** Names and places from the top of a resource's properties. */
export function propertyTokens(pointer: string): string[] {
  const tokens = pointer
    .split('/')
    .slice(1)
    .map(token => token.replaceAll('~1', '/').replaceAll('~0', '~'))
  return tokens[0] === 'spec' || tokens[0] === 'metadata' ? tokens.slice(1) : tokens
}
