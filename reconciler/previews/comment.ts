import {
  formatDiagnostics,
  hasChanges,
  isBlocked,
  markdown,
  needsApproval,
  type PlanDocument,
  renderPlan,
} from '../../engine/index.ts'
import { type PreviewContent, type PreviewContext, shortForm } from './content.ts'
import { cutMarkdown } from './cut.ts'
import { guardedDeletions, presented } from './presented.ts'

const { code, fenced, link, prose } = markdown

/**
 * The first line of our comment: by it and by its author it is found again. A name cannot end it, because `>` is
 * among what is percent-encoded.
 */
export function markerOf(source: string): string {
  return `<!-- trustform:${encodeURIComponent(source)} -->`
}

/**
 * What a pull request shows of one source: a verdict, what stands in the way, what changes and why. Pure; never longer
 * than the context's limit, and its beginning and end are always whole.
 */
export async function renderComment(content: PreviewContent, context: PreviewContext): Promise<string> {
  const marker = markerOf(context.source)
  const notices = noticesOf(content, context)
  const end = footer(content, context)
  const room = context.limit - [marker, ...notices, end].reduce((sum, part) => sum + part.length + 2, 0) - 2
  const body = await bodyOf(content, context, room)
  // Right below the headline, because what follows may be long.
  const [headline, ...rest] = body.trimEnd().split('\n\n')
  return `${[`${marker}\n${headline}`, ...notices, ...rest, end].join('\n\n')}\n`
}

async function bodyOf(content: PreviewContent, context: PreviewContext, limit: number): Promise<string> {
  const of = code(context.source)
  switch (content.type) {
    case 'plan':
      return planOf(content.document, context, limit)
    case 'invalid': {
      const errors = content.diagnostics.filter(({ severity }) => severity === 'error').length
      const head = `### ❌ Trustform plan for ${of}: invalid configuration\n\n**${errors} error${errors === 1 ? '' : 's'}** · nothing was planned`
      return `${head}\n\n${await formatDiagnostics(content.diagnostics, 'markdown', { limit: limit - head.length - 2 })}`
    }
    case 'failed': {
      const remedy = content.remedy === undefined ? '' : `\n\n💡 ${prose(content.remedy)}`
      const head = `### ❌ Trustform plan for ${of}: it could not be made`
      return `${head}\n\n${fenced(
        content.message
          .slice(0, Math.min(8000, limit / 2))
          .trimEnd()
          .split('\n'),
      )}${remedy}`
    }
    case 'pending':
      return `### ⏳ Trustform plan for ${of}: on its way\n\nCommit ${code(shortForm(context.commit))} is being planned. An earlier plan no longer holds.`
    case 'markdown':
      return cutMarkdown(content.text, limit)
  }
}

async function planOf(document: PlanDocument, context: PreviewContext, limit: number): Promise<string> {
  const { source, ended } = context
  if (!ended) return renderPlan(presented(document, context), 'markdown', { source, limit })
  const { state, branch, mergeCommit } = ended
  const of = code(source)
  const [head, sentence] =
    state === 'closed'
      ? [
          `### 🚪 Trustform plan for ${of}: closed without merging`,
          'Nothing of it was applied, and the plan no longer holds.',
        ]
      : [`### 🔀 Trustform plan for ${of}: merged`, mergedSentence(branch, mergeCommit)]
  const [before, after] = ['<details><summary>The plan as it was</summary>', '</details>']
  const frame = [head, sentence, before, after].join('\n\n')
  const plan = await renderPlan(presented(document, context), 'markdown', { limit: limit - frame.length - 4 })
  return [head, sentence, before, plan.trimEnd(), after].join('\n\n')
}

function mergedSentence(branch: string, mergeCommit: string | undefined): string {
  const where = mergeCommit === undefined ? '' : ` at ${code(shortForm(mergeCommit))}`
  return `It is applied from ${code(branch)}${where}: the status of that commit says what came of it.`
}

function noticesOf(
  content: PreviewContent,
  { notices = [], fromFork = false, approvedBy = [], discardedBy, ended }: PreviewContext,
): readonly string[] {
  const unsigned =
    content.type === 'plan' && content.unsigned !== undefined
      ? [`> 🔏 Planned offline, without any credential: ${prose(content.unsigned)}`]
      : []
  const fork = fromFork
    ? ['> 🔒 From a fork: checked and planned offline, without any credential. It cannot be approved from here.']
    : []
  const names = approvedBy.map(name => `**${prose(name)}**`).join(', ')
  const approved =
    approvedBy.length === 0 ? [] : [`> ✅ Approved by ${names}.${ended ? '' : ' Merging applies exactly this plan.'}`]
  const onward = ended ? '' : ' It is not asked for again: push another commit, or approve it by the API after all.'
  const discarded = discardedBy === undefined ? [] : [`> 🗑️ Discarded by **${prose(discardedBy)}**.${onward}`]
  return [...fork, ...unsigned, ...approved, ...discarded, ...notices.slice(-3).map(notice => `> 📣 ${prose(notice)}`)]
}

function footer(content: PreviewContent, context: PreviewContext): string {
  const { commit, digest, url, apply, ended } = context
  // The service asks for a key, a CI job for nothing.
  const name = apply === 'elsewhere' ? 'whole plan' : 'whole plan (API)'
  const facts = [
    `commit ${code(shortForm(commit))}`,
    ...(digest === undefined ? [] : [`plan ${code(shortForm(digest))}`]),
    ...(url === undefined ? [] : [link(name, url)]),
    'this comment is kept up to date',
  ]
  const how = content.type === 'plan' && !ended ? howToApply(content.document, context) : undefined
  return ['---', ...(how === undefined ? [] : [how]), `<sub>${facts.join(' · ')}</sub>`].join('\n\n')
}

function howToApply(
  document: PlanDocument,
  { apply, source, fromFork = false, approvedBy = [], discardedBy }: PreviewContext,
): string | undefined {
  if (!hasChanges(document) && !isBlocked(document)) return undefined
  if (isBlocked(document) && !needsApproval(document)) return 'Mend what is in the way and push again.'
  if (apply === undefined || apply === 'elsewhere' || approvedBy.length > 0) return undefined
  if (fromFork) return undefined
  if (!isBlocked(document) && apply === 'merge') return '**To apply it:** merge.'
  if (discardedBy !== undefined) return undefined
  const second =
    guardedDeletions(document).length === 0
      ? ''
      : ' Because an authority, account or anchor goes, whoever opened this pull request cannot approve it alone.'
  return `**To apply it:** a maintainer writes the comment ${code(`trustform apply ${source}`)}, then merge. The approval holds for this plan of this commit only; merged without it, the plan waits.${second}`
}
