import { visible } from '../../core/visible.ts'
import type { Change, PlanDocument, PreflightFinding } from '../plan.ts'
import { fieldLine, fieldLines, tellingFields } from './fields.ts'
import { countsOf, groupsOf, limitsOf, whyOf, wording } from './words.ts'

/**
 * A plan as GitHub-flavoured Markdown for a comment. Everything that a configuration can say stands in code, where
 * neither markup nor mentions have a meaning. Ends with a newline.
 */
export function renderPlanMarkdown(document: PlanDocument): string {
  const sections = [
    `**Trustform plan:** ${countsOf(document)}.`,
    ...limitsOf(document).map(limit => `> ${limit}`),
    ...findingList(document),
    ...changeTable(document),
    ...details(document),
  ]
  return `${sections.join('\n\n')}\n`
}

/** All that keeps the plan from being applied, and warnings. */
function findingList({ preflight, changes }: PlanDocument): string[] {
  const order: readonly PreflightFinding['level'][] = ['error', 'warning']
  const sorted = order.flatMap(level => preflight.filter(finding => finding.level === level))
  const lines = sorted.flatMap(({ address, level, code: name, message, remedy }) => [
    `- ${level === 'error' ? '❌ **error**' : '⚠️ **warning**'} ${code(address)} ${code(message)}`,
    `  - hint: ${code(remedy)} (${code(name)})`,
  ])
  const blocked = changes.flatMap(({ address, blocked }) =>
    blocked === undefined
      ? []
      : [
          `- 🛑 **blocked** ${code(address)} ${code(blocked.message)}`,
          `  - hint: ${code(blocked.remedy)} (${code(blocked.code)})`,
        ],
  )
  const all = [...blocked, ...lines]
  return all.length === 0 ? [] : [all.join('\n')]
}

function changeTable(document: PlanDocument): string[] {
  const rows = groupsOf(document).flatMap(({ action, changes }) =>
    changes.map(change => {
      const blocked = change.blocked ? ' 🛑 **blocked**' : ''
      return `| ${code(wording[action].symbol)} ${action}${blocked} | ${cell(change.address)} | ${about(change)} |`
    }),
  )
  return rows.length === 0 ? [] : [['| action | resource | |', '| --- | --- | --- |', ...rows].join('\n')]
}

/** Why, or for what is new, what it is. */
function about(change: Change): string {
  const words = whyOf(change) ?? tellingFields(change).join(' ')
  return words === '' ? '' : cell(words)
}

/** Field by field, folded away. */
function details(document: PlanDocument): string[] {
  const lines = [
    ...document.drift.flatMap(({ address, diffs }) => [`! ${address} changed outside`, ...diffs.map(diffLine)]),
    ...groupsOf(document).flatMap(({ changes }) => changes.flatMap(changeLines)),
  ]
  if (lines.length === 0) return []
  return [`<details><summary>Details</summary>\n\n${fenced(lines.join('\n'))}\n\n</details>`]
}

function changeLines(change: Change): string[] {
  if (change.action === 'no-op') return []
  const { symbol } = wording[change.action]
  const fields = tellingFields(change).map(field => `+   ${field}`)
  const differing = fieldLines(change).map(({ sign, text }) => `${sign}   ${text}`)
  return [`${symbol} ${change.address}`, ...fields, ...differing]
}

function diffLine(diff: Parameters<typeof fieldLine>[0]): string {
  const { sign, text } = fieldLine(diff)
  return `${sign}   ${text}`
}

/** A code span that its content cannot end (CommonMark §6.1). */
function code(text: string): string {
  const content = visible(text)
  const fence = '`'.repeat(longestRun(content) + 1)
  const pad = content.startsWith('`') || content.endsWith('`') || content === '' ? ' ' : ''
  return `${fence}${pad}${content}${pad}${fence}`
}

/** A code span in a table: a bar would end the cell even there (GFM §4.10), and an escaped one can be escaped again. */
function cell(text: string): string {
  return code(text.replaceAll('|', '¦'))
}

/** A block that its content cannot end (CommonMark §4.5). */
function fenced(text: string): string {
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1))
  return `${fence}diff\n${text}\n${fence}`
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map(run => run.length))
}
