import { code, fenced } from '../../core/markdown.ts'
import { isBlocked, needsApproval, type PlanDocument } from '../plan.ts'
import { fitting } from './fitting.ts'
import { changeLines, changeRow, driftLines, emoji, findingsOf, impactLines, type Told } from './markdown-lines.ts'
import { countsOf, groupsOf, limitsOf, wording } from './words.ts'

export interface MarkdownOptions {
  /** Whose plan this is, in the headline. */
  readonly source?: string
  /** Characters of the whole text; what is left out is counted. Default: everything is told. */
  readonly limit?: number
}

/** Lists longer than this are not read; the rest is in the folded part. */
const mostRows = 40
const mostFindings = 25

/**
 * A plan as GitHub-flavoured Markdown for a comment: the verdict, what stands in its way, what changes and why, how
 * far that reaches, what changed outside, and folded away every field. Ends with a newline.
 */
export function renderPlanMarkdown(document: PlanDocument, options: MarkdownOptions = {}): string {
  const limit = options.limit ?? Number.POSITIVE_INFINITY
  const sections = [`${headline(document, options.source)}\n\n${summary(document)}`]
  const left = () => limit - sections.reduce((sum, section) => sum + section.length + 2, 0) - 1
  const add = (section: string | undefined) => {
    if (section !== undefined && section.length + 2 <= left()) sections.push(section)
  }
  for (const words of limitsOf(document)) add(`> ℹ️ ${words}`)

  const findings = findingsOf(document)
  add(
    findingSection(
      '⛔ In the way',
      findings.filter(({ stops }) => stops),
      left() * 0.5,
    ),
  )
  add(
    findingSection(
      '⚠️ Worth a look',
      findings.filter(({ stops }) => !stops),
      left() * 0.3,
    ),
  )
  const rows = groupsOf(document).flatMap(({ changes }) => changes.map(changeRow))
  const shown = table(rows, left() * 0.6)
  add(shown)
  add(list('💥 Blast radius', impactLines(document), left() * 0.4, 15))
  add(list('👀 Changed outside', driftLines(document), left() * 0.5, 20))
  const whole = rows.length === 0 || shown?.endsWith(rows.at(-1) ?? '') === true
  for (const section of details(document, whole, left)) add(section)
  return `${sections.join('\n\n')}\n`
}

/** `### 📋 Trustform plan for infra: 5 changes`. */
function headline(document: PlanDocument, source: string | undefined): string {
  const of = source === undefined ? '' : ` for ${code(source)}`
  const number = groupsOf(document).reduce((sum, { changes }) => sum + changes.length, 0)
  const changes = `${number} change${number === 1 ? '' : 's'}`
  if (isBlocked(document)) {
    const verdict = needsApproval(document) ? 'needs approval' : 'cannot be applied'
    return `### ⛔ Trustform plan${of}: ${number === 0 ? verdict : `${changes}, ${verdict}`}`
  }
  return number === 0 ? `### ✅ Trustform plan${of}: nothing to do` : `### 📋 Trustform plan${of}: ${changes}`
}

function summary(document: PlanDocument): string {
  const [first = '', ...rest] = countsOf(document).split('; ')
  // The headline says it already.
  if (first === 'nothing to do') return rest.length === 0 ? 'Everything is as declared.' : rest.join(' · ')
  return [`**${first}**`, ...rest].join(' · ')
}

function findingSection(title: string, findings: readonly Told[], budget: number): string | undefined {
  return list(
    title,
    findings.map(({ text }) => text),
    budget,
    mostFindings,
  )
}

function list(title: string, items: readonly string[], budget: number, most: number): string | undefined {
  if (items.length === 0) return undefined
  const lines = fitting(items, budget - title.length - 7, most, number => `- … and ${number} more`)
  return `#### ${title}\n\n${lines.join('\n')}`
}

function table(rows: readonly string[], budget: number): string | undefined {
  if (rows.length === 0) return undefined
  const head = ['#### Changes', '', '| | resource | what | why |', '| --- | --- | --- | --- |']
  const shown = fitting(
    rows,
    budget - head.join('\n').length - 1,
    mostRows,
    number => `| | … and ${number} more, folded away below | | |`,
  )
  return [...head, ...shown].join('\n')
}

/** Field by field, folded by action, where that says more than the table. */
function* details(document: PlanDocument, whole: boolean, left: () => number): Generator<string> {
  for (const { action, changes } of groupsOf(document)) {
    const summaryLine = `<details><summary>${emoji[action]} ${wording[action].title}: ${changes.length}, field by field</summary>`
    const lines = changes.map(changeLines)
    if (whole && lines.every(({ length }) => length <= 1)) continue
    const blocks = lines.map(each => each.join('\n'))
    // Fences may be longer than three; what they and the folding need is kept aside.
    const room = left() - summaryLine.length - 100 - 2 * longestRun(blocks)
    if (room < 100) return
    const shown = fitting(blocks, room, Number.POSITIVE_INFINITY, number => `# … and ${number} more`)
    yield `${summaryLine}\n\n${fenced(
      shown.flatMap(block => block.split('\n')),
      'diff',
    )}\n\n</details>`
  }
}

function longestRun(blocks: readonly string[]): number {
  return blocks.reduce((most, block) => Math.max(most, ...(block.match(/`+/g) ?? []).map(run => run.length)), 0)
}
