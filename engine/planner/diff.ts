import { isFingerprint } from '../core/fingerprint.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { pointerTo, pointerTokens, valueAt } from '../core/pointer.ts'
import type { Pointer } from '../core/resource.ts'
import type { FieldDiff } from '../kinds/driver.ts'
import { spelling } from './spelling.ts'

/** What the schema's annotations say of a kind's fields; pointers are below the spec, `*` stands for any item. */
export interface FieldFacts {
  readonly replace: readonly string[]
  readonly reissue: readonly string[]
  readonly secrets: readonly string[]
  /** Lists whose order has no meaning. */
  readonly sets: readonly string[]
  /** Texts that can be written in several ways. */
  readonly formats?: readonly { readonly pointer: string; readonly format: string }[]
}

/** A field difference together with what the schema says that it forces. */
export interface SpecDiff extends FieldDiff {
  readonly forces: 'replace' | 'reissue' | 'update'
}

/**
 * Field-level differences between a recorded and a desired spec, as pointers into the document (`/spec/…`).
 * Objects are walked; a list is compared item by item, or as a set where the schema says `x-set`.
 * Fields that are null and fields that are absent are equal, and so are two spellings of one value (`24h`, `1d`).
 */
export function diffSpecs(recorded: JsonObject, desired: JsonObject, facts: FieldFacts): SpecDiff[] {
  const diffs: SpecDiff[] = []
  walk([], recorded, desired)
  return diffs

  function walk(path: readonly string[], before: Json | undefined, after: Json | undefined): void {
    if (before === after || (before ?? null) === (after ?? null)) return
    if (isFingerprint(before) || isFingerprint(after)) {
      compareSecrets(path, before, after)
      return
    }
    // An object that comes or goes is shown field by field, so that a secret below it is seen as one.
    const left = before === undefined || before === null ? (isJsonObject(after) ? {} : undefined) : before
    const right = after === undefined || after === null ? (isJsonObject(before) ? {} : undefined) : after
    if (isJsonObject(left) && isJsonObject(right)) {
      for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
        walk([...path, key], left[key], right[key])
      }
      return
    }
    if (Array.isArray(before) && Array.isArray(after)) {
      const compare = matches(facts.sets, path) ? compareSets : compareLists
      compare(path, before, after)
      return
    }
    const format = formatOf(facts, path)
    if (format !== undefined && spelling(format, before ?? null) === spelling(format, after ?? null)) return
    report(path, before ?? null, after ?? null)
  }

  function compareLists(path: readonly string[], before: readonly Json[], after: readonly Json[]): void {
    for (let index = 0; index < Math.max(before.length, after.length); index++) {
      walk([...path, String(index)], before[index], after[index])
    }
  }

  function compareSets(path: readonly string[], before: readonly Json[], after: readonly Json[]): void {
    // Nearly always nothing changed, in nearly all of ten thousand resources.
    if (before.length === after.length && before.every((item, index) => item === after[index])) return
    const format = formatOf(facts, [...path, '*'])
    const canonical = (item: Json) => canonicalItem(spelling(format, item))
    const known = new Set(before.map(canonical))
    const wanted = new Set(after.map(canonical))
    before.forEach((item, index) => {
      if (!wanted.has(canonical(item))) report([...path, String(index)], item, null)
    })
    after.forEach((item, index) => {
      if (!known.has(canonical(item))) report([...path, String(index)], null, item)
    })
  }

  function compareSecrets(path: readonly string[], before: Json | undefined, after: Json | undefined): void {
    const was = isFingerprint(before) ? before.$secret : undefined
    const is = isFingerprint(after) ? after.$secret : undefined
    if (was === is || (is === 'unknown' && was !== undefined)) return
    report(path, was === undefined ? null : '(secret)', shown(is), true)
  }

  function report(path: readonly string[], before: Json, after: Json, sensitive = matches(facts.secrets, path)): void {
    const forces = matches(facts.replace, path) ? 'replace' : matches(facts.reissue, path) ? 'reissue' : 'update'
    diffs.push({
      path: `/spec${pointerTo(...path)}`,
      before: sensitive && before !== null ? '(secret)' : before,
      after: sensitive && after !== null && after !== '(unknown)' ? '(secret)' : after,
      sensitive,
      forcesReplacement: forces === 'replace',
      forces,
    })
  }
}

/** Differences at fields whose value is not known yet; a field that cannot change in place may have to. */
export function diffUnknown(recorded: JsonObject, unknown: readonly Pointer[], facts: FieldFacts): SpecDiff[] {
  return unknown.map(pointer => {
    const path = pointerTokens(pointer)
    const isSpec = path.shift() === 'spec'
    const sensitive = isSpec && matches(facts.secrets, path)
    const forces = !isSpec
      ? 'update'
      : matches(facts.replace, path)
        ? 'replace'
        : matches(facts.reissue, path)
          ? 'reissue'
          : 'update'
    const known = isSpec ? (valueAt(recorded, pointerTo(...path)) ?? null) : null
    const before = sensitive && known !== null ? '(secret)' : known
    return { path: pointer, before, after: '(unknown)', sensitive, forcesReplacement: forces === 'replace', forces }
  })
}

/** The fields of a new resource, or of one that goes: everything against nothing. */
export function diffAgainstNothing(spec: JsonObject, facts: FieldFacts, side: 'before' | 'after'): FieldDiff[] {
  const diffs = side === 'after' ? diffSpecs({}, spec, facts) : diffSpecs(spec, {}, facts)
  return diffs.map(({ forces: _forces, ...diff }) => ({ ...diff, forcesReplacement: false }))
}

/** Differences of labels and lifecycle, which never force anything. */
export function diffMetadata(
  before: { readonly labels: JsonObject; readonly lifecycle: object },
  after: { readonly labels: JsonObject; readonly lifecycle: object },
): SpecDiff[] {
  const facts: FieldFacts = { replace: [], reissue: [], secrets: [], sets: [] }
  const at = (prefix: string, diffs: readonly SpecDiff[]) =>
    diffs.map(diff => ({ ...diff, path: prefix + diff.path.slice('/spec'.length) }))
  return [
    ...at('/metadata/labels', diffSpecs(before.labels, after.labels, facts)),
    ...at('/lifecycle', diffSpecs({ ...before.lifecycle }, { ...after.lifecycle }, facts)),
  ]
}

function shown(fingerprint: string | undefined): Json {
  if (fingerprint === undefined) return null
  return fingerprint === 'unknown' ? '(unknown)' : '(secret)'
}

function canonicalItem(value: Json): string {
  return typeof value === 'string' ? `"${value}` : JSON.stringify(value)
}

function formatOf({ formats = [] }: FieldFacts, path: readonly string[]): string | undefined {
  return formats.find(({ pointer }) => matches([pointer], path))?.format
}

/** Whether a path is one of the pointers or lies below one. */
function matches(pointers: readonly string[], path: readonly string[]): boolean {
  return pointers.some(pointer => {
    const tokens = pointer.split('/').slice(1)
    return tokens.length <= path.length && tokens.every((token, index) => token === '*' || token === path[index])
  })
}
