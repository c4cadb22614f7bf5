import type { Action } from '../../kinds/driver.ts'
import type { Change, PlanDocument, PlanSummary } from '../plan.ts'

interface Wording {
  readonly symbol: string
  readonly title: string
  readonly count: keyof PlanSummary
  readonly color: 'green' | 'yellow' | 'red' | 'cyan' | 'magenta'
}

/** How each action is shown, in the order in which a plan lists them. */
export const wording: Readonly<Record<Exclude<Action, 'no-op'>, Wording>> = {
  delete: { symbol: '-', title: 'Delete', count: 'delete', color: 'red' },
  replace: { symbol: '-/+', title: 'Replace', count: 'replace', color: 'magenta' },
  create: { symbol: '+', title: 'Create', count: 'create', color: 'green' },
  update: { symbol: '~', title: 'Update', count: 'update', color: 'yellow' },
  reissue: { symbol: '↺', title: 'Re-issue', count: 'reissue', color: 'cyan' },
  renew: { symbol: '↻', title: 'Renew', count: 'renew', color: 'cyan' },
  import: { symbol: '→', title: 'Import', count: 'import', color: 'cyan' },
  forget: { symbol: '×', title: 'Forget', count: 'forget', color: 'yellow' },
}

export interface Group {
  readonly action: Exclude<Action, 'no-op'>
  readonly changes: readonly Change[]
}

/** The changes that do something, by action; inside an action in the order in which they can run. */
export function groupsOf({ changes }: PlanDocument): readonly Group[] {
  const actions = Object.keys(wording) as (keyof typeof wording)[] // its own keys
  return actions
    .map(action => ({ action, changes: changes.filter(change => change.action === action) }))
    .filter(group => group.changes.length > 0)
}

const toDo: readonly [count: keyof PlanSummary, word: string][] = [
  ['create', 'to create'],
  ['update', 'to update'],
  ['replace', 'to replace'],
  ['reissue', 'to re-issue'],
  ['renew', 'to renew'],
  ['import', 'to import'],
  ['forget', 'to forget'],
  ['delete', 'to delete'],
]

/** `8 to create, 1 to renew; 3 unchanged; 2 blocked`, or that there is nothing to do. */
export function countsOf({ summary, preflight }: PlanDocument): string {
  const changes = toDo.filter(([count]) => summary[count] > 0).map(([count, word]) => `${summary[count]} ${word}`)
  const errors = preflight.filter(({ level }) => level === 'error').length
  return [
    changes.length === 0 ? 'nothing to do' : changes.join(', '),
    ...(summary.noop > 0 ? [`${summary.noop} unchanged`] : []),
    ...(summary.blocked > 0 ? [`${summary.blocked} blocked`] : []),
    ...(errors > 0 ? [`${errors} error${errors === 1 ? '' : 's'}`] : []),
  ].join('; ')
}

/** Why a change is made, where its action does not say it: `because`, or the reason alone. */
export function whyOf({ action, reason, because }: Change): string | undefined {
  if (because !== undefined) return because
  if (reason === 'config' && (action === 'create' || action === 'update')) return undefined
  return (
    { config: 'the configuration changed', drift: 'it changed outside', orphan: 'no longer declared' }[
      reason as 'config' | 'drift' | 'orphan' // the others fall through to themselves
    ] ?? reason
  )
}

/** What the plan does not cover, in words. */
export function limitsOf({ partial, offline }: PlanDocument): readonly string[] {
  return [
    ...(partial ? ['this plan leaves a part out: only what was named was looked at'] : []),
    ...(offline ? ['this plan was made offline: nothing outside was asked, no secret was read'] : []),
  ]
}
