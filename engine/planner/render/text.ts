import picocolors from 'picocolors'
import { visible } from '../../core/visible.ts'
import type { Change, PlanDocument, PreflightFinding } from '../plan.ts'
import { fieldLine, fieldLines, tellingFields } from './fields.ts'
import { countsOf, groupsOf, limitsOf, whyOf, wording } from './words.ts'

/** Addresses are aligned up to this length. */
const widest = 40

type Paint = ReturnType<typeof picocolors.createColors>

/**
 * A plan as a person reads it at a glance: what would go wrong, what changed outside, what would be done, and the
 * count. Ends with a newline.
 */
export function renderPlanText(document: PlanDocument, options: { readonly color?: boolean } = {}): string {
  const paint = picocolors.createColors(options.color ?? false)
  const sections = [
    ...findings(document, 'error', paint),
    ...findings(document, 'warning', paint),
    ...driftSection(document, paint),
    ...groupsOf(document).map(({ action, changes }) => {
      const { title, color } = wording[action]
      const head = `${paint.bold(paint[color](title))} ${paint.dim(`(${changes.length})`)}`
      const width = Math.min(widest, Math.max(...changes.map(({ address }) => address.length)))
      return [head, ...changes.flatMap(change => changeLines(change, width, paint))].join('\n')
    }),
    [...limitsOf(document).map(limit => paint.yellow(`note: ${limit}`)), paint.bold(summaryLine(document))].join('\n'),
  ]
  return `${sections.join('\n\n')}\n`
}

/** `Plan: 8 to create, 1 to renew; 3 unchanged.` */
export function summaryLine(document: PlanDocument): string {
  return `Plan: ${countsOf(document)}.`
}

function findings({ preflight }: PlanDocument, level: PreflightFinding['level'], paint: Paint): string[] {
  const color = level === 'error' ? paint.red : paint.yellow
  return preflight
    .filter(finding => finding.level === level)
    .map(({ address, code, message, remedy, pointer }) =>
      [
        `${color(paint.bold(`${level}:`))} ${paint.bold(address)}: ${visible(message)}`,
        `${paint.bold('hint:')}  ${visible(remedy)}`,
        `       ${paint.dim(pointer === undefined ? code : `${code} at ${visible(pointer)}`)}`,
      ].join('\n'),
    )
}

function driftSection({ drift }: PlanDocument, paint: Paint): string[] {
  if (drift.length === 0) return []
  const lines = drift.flatMap(({ address, diffs }) => [
    `  ${paint.yellow('!')} ${address}`,
    ...diffs.map(diff => `      ${signed(fieldLine(diff), paint)}`),
  ])
  return [[`${paint.bold(paint.yellow('Changed outside'))} ${paint.dim('since the last apply')}`, ...lines].join('\n')]
}

function changeLines(change: Change, width: number, paint: Paint): string[] {
  if (change.action === 'no-op') return []
  const { symbol, color } = wording[change.action]
  const fields = tellingFields(change).join(' ')
  const why = whyOf(change)
  const about = [...(fields === '' ? [] : [paint.dim(fields)]), ...(why === undefined ? [] : [visible(why)])]
  const head = `  ${paint[color](symbol)} ${change.address}`
  const lines = [
    about.length === 0 ? head : `${head}${' '.repeat(Math.max(0, width - change.address.length))}  ${about.join('  ')}`,
  ]
  lines.push(...fieldLines(change).map(line => `      ${signed(line, paint)}`))
  if (change.blocked) {
    lines.push(`      ${paint.red(paint.bold('blocked:'))} ${visible(change.blocked.message)}`)
    lines.push(`      ${paint.bold('hint:')}    ${visible(change.blocked.remedy)}`)
  }
  return lines
}

function signed({ sign, text }: ReturnType<typeof fieldLine>, paint: Paint): string {
  const color = { '+': paint.green, '-': paint.red, '~': paint.yellow }[sign]
  return `${color(sign)} ${text}`
}
