import type { StoredPlan } from '../records/plan-records.ts'
import type { Expiry, StoredRun } from '../services.ts'
import type { Condition, Source } from '../sources/source.ts'
import { type Html, html } from './html.ts'
import { absolute, relative } from './moments.ts'
import { page } from './page.ts'

export interface StatusView {
  readonly now: Date
  /** Undefined for the operator, who sees all of them. */
  readonly tenant: string | undefined
  readonly sources: readonly Source[]
  /** Newest first. */
  readonly runs: readonly StoredRun[]
  readonly plans: readonly StoredPlan[]
  /** Soonest first. */
  readonly expiries: readonly Expiry[]
  readonly unready: string | undefined
}

/** Seconds after which the browser asks again; there is no script that could. */
const refresh = 30

/** How everything is, at one look: what needs somebody comes first. */
export function statusPage(view: StatusView): Html {
  const { now, sources, plans, unready, tenant } = view
  const names = new Map(sources.map(source => [source.id, source.spec.name]))
  const tenants = new Set([...sources, ...plans, ...view.runs, ...view.expiries].map(each => each.tenant))
  // Where there is only one, its name would be noise.
  const whose = (name: string) => (tenants.size > 1 ? tenantNote(name) : undefined)
  return page(
    title(view),
    html`<header><h1>Trustform</h1><span class="soft">${tenant === undefined ? 'all tenants' : `tenant ${tenant}`} · ${absolute(now.toISOString())}</span>
<nav><a href="/docs">API</a><a href="/metrics">Metrics</a></nav></header>
<main>
${unready !== undefined && html`<p class="alert bad">Not ready: ${unready}</p>`}
${tiles(view)}
${section(
  'Plans awaiting approval',
  plans.length === 0 ? 'No plan waits for anybody.' : undefined,
  ['Plan', 'Source', 'Commit', 'Changes', 'Made'],
  plans.map(plan => planRow(plan, names, now, whose)),
)}
${section(
  'Sources',
  sources.length === 0 ? 'No source is declared. Add one to reconciler.yaml or POST it to /v1/sources.' : undefined,
  ['Source', 'Condition', 'Commit', 'Message'],
  sources.toSorted(byWorry).map(source => sourceRow(source, now, whose)),
)}
${section(
  'Expires next',
  view.expiries.length === 0 ? 'Nothing has an end yet.' : undefined,
  ['Resource', 'Owner', 'Ends', ''],
  view.expiries.map(expiry => expiryRow(expiry, now, whose)),
)}
${section(
  'Last runs',
  view.runs.length === 0 ? 'Nothing ran yet.' : undefined,
  ['Source', 'Outcome', 'Commit', 'Message', 'Began'],
  view.runs.map(run => runRow(run, now, whose)),
)}
</main>
<footer>Refreshes every ${refresh} seconds.</footer>`,
    refresh,
  )
}

/** A tab in the background tells by its title whether somebody is needed. */
function title({ sources, plans }: StatusView): string {
  const stalled = sources.filter(source => health(source) === 'bad').length
  if (stalled > 0) return `(${stalled} stalled) Trustform`
  return plans.length > 0 ? `(${plans.length} to approve) Trustform` : 'Trustform'
}

function tiles({ sources, plans, expiries, now }: StatusView): Html {
  const count = (wanted: Tone) => sources.filter(source => health(source) === wanted).length
  const expired = expiries.filter(({ notAfter }) => Date.parse(notAfter) <= now.getTime()).length
  const next = expiries[expired]
  return html`<div class="tiles">
${tile(`${count('good')} of ${sources.length}`, 'sources ready')}
${tile(count('bad'), 'stalled or failing', count('bad') > 0 ? 'bad' : undefined)}
${tile(plans.length, plans.length === 1 ? 'plan to approve' : 'plans to approve', plans.length > 0 ? 'wait' : undefined)}
${expired > 0 ? tile(expired, 'expired', 'bad') : tile(next ? relative(next.notAfter, now) : '–', 'next expiry')}
</div>`
}

function tile(value: string | number, label: string, tone?: Tone): Html {
  return html`<div class="tile"><b class="${tone}">${value}</b><span>${label}</span></div>`
}

function section(heading: string, empty: string | undefined, columns: readonly string[], rows: readonly Html[]): Html {
  return html`<section><h2>${heading}</h2>${
    empty !== undefined
      ? html`<p class="empty">${empty}</p>`
      : html`<div class="scroll"><table><thead><tr>${columns.map(column => html`<th scope="col">${column}</th>`)}</tr></thead>
<tbody>${rows}</tbody></table></div>`
  }</section>`
}

type Tone = 'good' | 'bad' | 'wait' | 'none'

const chip = (tone: Tone, text: string): Html => html`<span class="chip ${tone}">${text}</span>`
const short = (commit: string | undefined): Html =>
  commit === undefined ? html`<span class="soft">–</span>` : html`<code title="${commit}">${commit.slice(0, 10)}</code>`
const tenantNote = (name: string): Html => html`<span class="soft block">tenant ${name}</span>`

function conditionOf({ conditions }: Source, type: Condition['type']): Condition | undefined {
  return conditions.find(condition => condition.type === type)
}

function health(source: Source): Tone {
  if (source.suspended) return 'none'
  if (conditionOf(source, 'Stalled')?.status === 'True') return 'bad'
  const ready = conditionOf(source, 'Ready')?.status
  return ready === 'True' ? 'good' : ready === 'False' ? 'bad' : 'wait'
}

const worries: Readonly<Record<Tone, number>> = { bad: 0, wait: 1, good: 2, none: 3 }

function byWorry(a: Source, b: Source): number {
  return worries[health(a)] - worries[health(b)] || (a.spec.name < b.spec.name ? -1 : 1)
}

function sourceRow(source: Source, now: Date, whose: (tenant: string) => Html | undefined): Html {
  const { spec, suspended, observedCommit, appliedCommit } = source
  const told =
    conditionOf(source, 'Stalled')?.status === 'True' ? conditionOf(source, 'Stalled') : conditionOf(source, 'Ready')
  const drift = conditionOf(source, 'Drifted')
  const drifted = drift?.status === 'True'
  const behind = observedCommit !== undefined && observedCommit !== appliedCommit
  return html`<tr><td class="break"><b>${spec.name}</b><span class="soft block">${shownUrl(spec.url)} · ${spec.branch}</span>${whose(source.tenant)}</td>
<td class="tight">${suspended ? chip('none', 'Suspended') : chip(health(source), told?.reason ?? 'Pending')}${drifted && chip('wait', 'Drifted')}</td>
<td class="tight">${short(appliedCommit ?? observedCommit)}${behind && html`<span class="soft block">seen ${short(observedCommit)}</span>`}</td>
<td class="break">${told?.message}${told && html`<span class="soft block">since ${absolute(told.since)} (${relative(told.since, now)})</span>`}${drifted && html`<span class="block">Drifted: ${drift?.message}</span>`}</td></tr>`
}

/** Without what stands before the host: somebody may have put a token there. */
const shownUrl = (url: string): string => url.replace(/^([a-z+]+:\/\/)[^/]*@/i, '$1')

function planRow(
  { id, sourceId, commit, pullRequest, summary, createdAt, tenant }: StoredPlan,
  names: ReadonlyMap<string, string>,
  now: Date,
  whose: (tenant: string) => Html | undefined,
): Html {
  const counts = (['create', 'update', 'replace', 'delete', 'renew', 'reissue', 'forget', 'import'] as const)
    .filter(action => summary[action] > 0)
    .map(action => chip(action === 'delete' || action === 'replace' ? 'bad' : 'none', `${summary[action]} ${action}`))
  return html`<tr><td><code>${id}</code>${whose(tenant)}</td><td>${names.get(sourceId) ?? sourceId}${
    pullRequest !== undefined && html`<span class="soft block">pull request #${pullRequest}</span>`
  }</td><td class="tight">${short(commit)}</td><td>${counts}${summary.blocked > 0 && chip('wait', `${summary.blocked} blocked`)}</td>
<td class="tight">${relative(createdAt, now)}</td></tr>`
}

function expiryRow(
  { address, owner, notAfter, tenant, failing }: Expiry,
  now: Date,
  whose: (tenant: string) => Html | undefined,
): Html {
  const days = (Date.parse(notAfter) - now.getTime()) / 86_400_000
  const tone: Tone = days <= 0 ? 'bad' : days < 7 ? 'wait' : 'none'
  const why =
    failing &&
    html`<span class="soft block">renewal fails: ${failing.reason}; next attempt ${relative(failing.nextAttempt, now)}</span>`
  return html`<tr><td class="break"><b>${address}</b>${whose(tenant)}${why}</td><td class="soft">${owner}</td><td class="tight">${absolute(notAfter)}</td>
<td class="num">${failing && chip('bad', 'Renewal fails')}${chip(tone, days <= 0 ? `expired ${relative(notAfter, now)}` : relative(notAfter, now))}</td></tr>`
}

const outcomes: Readonly<Record<StoredRun['state'], Tone>> = {
  running: 'wait',
  succeeded: 'good',
  waiting: 'wait',
  failed: 'bad',
  interrupted: 'none',
}

function runRow(
  { sourceName, state, phase, trigger, commit, message, startedAt, tenant }: StoredRun,
  now: Date,
  whose: (tenant: string) => Html | undefined,
): Html {
  return html`<tr><td>${sourceName}<span class="soft block">${trigger}</span>${whose(tenant)}</td><td class="tight">${chip(outcomes[state], state === 'running' ? phase : state)}</td>
<td class="tight">${short(commit)}</td><td class="break">${message}</td><td class="tight">${relative(startedAt, now)}</td></tr>`
}
