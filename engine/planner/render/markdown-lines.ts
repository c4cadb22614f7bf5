import type { Json } from '../../core/json.ts'
import { cell, code, prose } from '../../core/markdown.ts'
import type { FieldDiff } from '../../kinds/driver.ts'
import type { Change, PlanDocument, PreflightFinding } from '../plan.ts'
import { type FieldLine, fieldLine, fieldLines, fieldName, tellingFields } from './fields.ts'
import { impactsOf, issuancesOf } from './impact.ts'
import { type Group, whyOf, wording } from './words.ts'

/** What each action is recognised by at a glance. */
export const emoji: Readonly<Record<Group['action'], string>> = {
  delete: '🗑️',
  replace: '♻️',
  create: '➕',
  update: '✏️',
  reissue: '🔁',
  renew: '🔄',
  import: '📥',
  forget: '👋',
}

export interface Told {
  /** Whether it keeps the plan from being applied. */
  readonly stops: boolean
  readonly text: string
}

/** Fields that a row of the table shows; the others are folded away. */
const fieldsOfRow = 3

/** All that keeps the plan from being applied, then warnings. */
export function findingsOf({ preflight, changes }: PlanDocument): readonly Told[] {
  const order: readonly PreflightFinding['level'][] = ['error', 'warning']
  const sorted = order.flatMap(level => preflight.filter(finding => finding.level === level))
  return [
    ...changes.flatMap(({ address, blocked }) =>
      blocked === undefined ? [] : [{ stops: true, text: item('🛑', address, blocked) }],
    ),
    ...sorted.map(finding => ({
      stops: finding.level === 'error',
      text: item(finding.level === 'error' ? '❌' : '⚠️', finding.address, finding),
    })),
  ]
}

function item(
  sign: string,
  address: string,
  { message, remedy, code: name, pointer }: { message: string; remedy: string; code: string; pointer?: string },
): string {
  const field = pointer === undefined ? '' : ` (${code(fieldName(pointer, false))})`
  return `- ${sign} ${code(address)}${field}: ${prose(message)}  \n  💡 ${prose(remedy)} · ${code(name)}`
}

/** What changes, what exactly, and why. */
export function changeRow(change: Change): string {
  if (change.action === 'no-op') return ''
  const verb = `${emoji[change.action]}&nbsp;${wording[change.action].title.toLowerCase()}${change.blocked ? '&nbsp;🛑' : ''}`
  const what = whatOf(change)
  const shown = what.slice(0, fieldsOfRow).map(code)
  const more = what.length > fieldsOfRow ? [`and ${what.length - fieldsOfRow} more`] : []
  return `| ${verb} | ${cell(code(change.address))} | ${cell([...shown, ...more].join('<br>'))} | ${cell(reasonOf(change))} |`
}

/** What a new resource is recognised by, or which fields differ. */
function whatOf(change: Change): readonly string[] {
  if (change.action === 'create') return tellingFields(change)
  return fieldLines(change).map(({ sign, text }) => (sign === '~' ? text : `${sign} ${text}`))
}

function reasonOf(change: Change): string {
  const why = whyOf(change)
  if (why !== undefined) return prose(why)
  return change.action === 'create' ? 'new' : 'the configuration changed'
}

/** Which changes reach beyond themselves, and what is asked of the issuers. */
export function impactLines(document: PlanDocument): readonly string[] {
  const reaching = impactsOf(document).map(({ change, dependents, total }) => {
    const kinds = [...dependents].map(([kind, count]) => `${count} ${code(kind)}`).join(', ')
    const verb = change.action === 'no-op' ? '' : ` (${wording[change.action].title.toLowerCase()})`
    return `- ${code(change.address)}${verb}: ${total} ${total === 1 ? 'resource stands' : 'resources stand'} on it: ${kinds}`
  })
  const issuing = issuancesOf(document).map(
    ({ issuer, count }) =>
      `- ${count} ${count === 1 ? 'certificate is' : 'certificates are'} issued by ${code(issuer)}`,
  )
  return [...reaching, ...issuing]
}

export function driftLines({ drift }: PlanDocument): readonly string[] {
  return drift.map(({ address, diffs }) => {
    const fields = diffs.map(diff => code(fieldLine(diff).text))
    return `- ${code(address)}${fields.length === 0 ? '' : `: ${fields.join(', ')}`}`
  })
}

/** One resource in the folded part: all of its fields, also those of a new one. */
export function changeLines(change: Change): readonly string[] {
  if (change.action === 'no-op') return []
  const lines = change.action === 'create' ? change.diffs.flatMap(itemByItem).map(fieldLine) : fieldLines(change)
  return [`${wording[change.action].symbol} ${change.address}`, ...lines.map(signed)]
}

/** A list with a line per item: nobody approves names that are not shown. */
function itemByItem(diff: FieldDiff): readonly FieldDiff[] {
  if (!Array.isArray(diff.after)) return [diff]
  const items: readonly Json[] = diff.after
  return items.map((after, index): FieldDiff => ({ ...diff, path: `${diff.path}/${index}`, after }))
}

/** A changed field is no removed one; a diff's third sign is for what catches the eye. */
const signed = ({ sign, text }: FieldLine): string => `${sign === '~' ? '!' : sign}   ${text}`
