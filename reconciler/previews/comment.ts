import { formatDiagnostics, markdown, renderPlan } from '../../engine/index.ts'
import { type PreviewContent, type PreviewContext, shortForm } from './content.ts'
import { cutMarkdown } from './cut.ts'

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
  const before = [markerOf(context.source)]
  const after = [...noticesOf(context), footer(content, context)]
  const room = context.limit - [...before, ...after].reduce((sum, part) => sum + part.length + 2, 0) - 2
  const body = await bodyOf(content, context, room)
  return `${[`${before.join('')}\n${body.trimEnd()}`, ...after].join('\n\n')}\n`
}

async function bodyOf(content: PreviewContent, context: PreviewContext, limit: number): Promise<string> {
  const of = code(context.source)
  switch (content.type) {
    case 'plan':
      return renderPlan(content.document, 'markdown', { source: context.source, limit })
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

function noticesOf({ notices = [], fromFork = false }: PreviewContext): readonly string[] {
  const fork = fromFork
    ? ['> 🔒 From a fork: checked and planned offline, without any credential. It cannot be applied from here.']
    : []
  return [...fork, ...notices.slice(-3).map(notice => `> 📣 ${prose(notice)}`)]
}

function footer(content: PreviewContent, { commit, digest, url, apply, fromFork, source }: PreviewContext): string {
  const whole = url === undefined ? undefined : link('whole plan', url)
  const facts = [
    `commit ${code(shortForm(commit))}`,
    ...(digest === undefined ? [] : [`plan ${code(shortForm(digest))}`]),
    ...(whole === undefined ? [] : [whole]),
    'this comment is kept up to date',
  ]
  const lines = [`<sub>${facts.join(' · ')}</sub>`]
  if (content.type === 'plan' && !fromFork && apply !== undefined) {
    const how = howToApply(content, apply, source)
    if (how !== undefined) lines.unshift(how)
  }
  return `---\n\n${lines.join('\n\n')}`
}

function howToApply(
  { document }: Extract<PreviewContent, { type: 'plan' }>,
  apply: NonNullable<PreviewContext['apply']>,
  source: string,
): string | undefined {
  if (document.changes.every(({ action }) => action === 'no-op')) return undefined
  if (document.preflight.some(({ level }) => level === 'error')) return 'Mend what is in the way and push again.'
  if (apply === 'elsewhere') return undefined
  if (apply === 'merge') return '**To apply it:** merge.'
  return `**To apply exactly this plan:** comment ${code(`trustform apply ${source}`)}, or merge. An approval holds for this plan and this commit only; whoever wrote the change cannot alone approve that an authority or account goes.`
}
