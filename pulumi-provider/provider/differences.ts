import type { Change, FieldDiff } from '../../engine/index.ts'
import type { FieldDifference, Properties } from '../ports.ts'
import { propertyPath, propertyTokens } from './pointers.ts'
import { isSame, valueAtTokens } from './values.ts'

export const changed: FieldDifference = { kind: 'update', replaces: false, input: true }

/** What is computed is another one than the stack remembers. */
export const changedOutput: FieldDifference = { ...changed, input: false }

/** By which another version of a certificate shows. */
export const ofVersion: readonly string[] = ['serialNumber', 'notAfter']

/** Differences of properties that a change is made of; a new version shows as what it brings. */
export function differences(
  change: Change,
  {
    oldInputs,
    inputs,
    adopt,
  }: { readonly oldInputs: Properties; readonly inputs: Properties; readonly adopt: boolean },
): Map<string, FieldDifference> {
  const fields = new Map<string, FieldDifference>()
  for (const diff of change.diffs) {
    if (diff.path === '/owner') {
      // What another door owns is only looked at, until it is to be taken over.
      if (adopt) fields.set('adopt', changed)
      continue
    }
    const path = propertyPath(diff.path, inputs, oldInputs)
    const before = fields.get(path)
    const field = differenceOf(diff, oldInputs, inputs)
    // One item of a set went where another one came.
    fields.set(path, before ? { ...field, kind: 'update', replaces: before.replaces || field.replaces } : field)
  }
  const isVersion = change.action === 'renew' || change.action === 'reissue'
  if (isVersion && fields.size === 0) for (const name of ofVersion) fields.set(name, changedOutput)
  return fields
}

function differenceOf(
  { path, before, after, forcesReplacement }: FieldDiff,
  oldInputs: Properties,
  inputs: Properties,
): FieldDifference {
  const tokens = propertyTokens(path)
  return {
    kind: before === null ? 'add' : after === null ? 'delete' : 'update',
    replaces: forcesReplacement,
    // Otherwise the program is as it was, and what is recorded is not.
    input: !isSame(valueAtTokens(oldInputs, tokens), valueAtTokens(inputs, tokens)),
  }
}
