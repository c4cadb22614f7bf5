import { describe, expect, test } from 'vitest'
import { change, finding } from '../../engine/planner/fixtures/documents.ts'
import type { Forge, PullRequest } from '../forges/forge.ts'
import {
  type ApprovablePlan,
  type ApprovalFacts,
  type ApprovalRequest,
  approvalFacts,
  decideApproval,
} from './approval.ts'
import { commandOf } from './command.ts'

const commands: [what: string, comment: string, command: ReturnType<typeof commandOf>][] = [
  ['the command', 'trustform apply', { type: 'apply' }],
  ['blanks around it', '  trustform  apply \r\n', { type: 'apply' }],
  ['of one source', 'trustform apply infra', { type: 'apply', source: 'infra' }],
  ['of one plan', 'trustform apply SHA256:0F3AC9D1', { type: 'apply', digest: '0f3ac9d1' }],
  ['of both', 'trustform apply infra 0f3ac9d1e2b4', { type: 'apply', source: 'infra', digest: '0f3ac9d1e2b4' }],
  ['a sentence about it', 'please run trustform apply', undefined],
  ['a sentence after it', 'trustform apply when you are ready to', undefined],
  ['a quotation', '> trustform apply', undefined],
  ['a code span', '`trustform apply`', undefined],
  ['a second line', 'trustform apply\nlgtm', undefined],
  ['another verb', 'trustform destroy', undefined],
  ['another case', 'Trustform Apply', undefined],
  ['an option', 'trustform apply --allow=all-deletes', undefined],
  ['two digests', 'trustform apply 0f3ac9d1 0f3ac9d2', undefined],
  ['nothing', '', undefined],
]
test.each(commands)('reads %s', (_what, comment, command) => expect(commandOf(comment)).toEqual(command))

const pullRequest: PullRequest = {
  number: 7,
  title: 'x',
  author: 'ann',
  headCommit: 'c1',
  headRef: 'refs/pull/7/head',
  baseBranch: 'main',
  fromFork: false,
  state: 'open',
  updatedAt: '2026-11-21T12:00:30Z',
  url: 'https://forge.example/7',
}
const plan: ApprovablePlan = {
  commit: 'c1',
  digest: 'sha256:0f3ac9d1e2b4c5d6',
  publishedAt: '2026-11-21T12:00:00.000Z',
  state: 'pending',
  document: { changes: [change({})], preflight: [] },
}
const request: ApprovalRequest = { command: { type: 'apply' }, by: 'ann', at: '2026-11-21T12:01:00Z', edited: false }
const facts: ApprovalFacts = { pullRequest, mayApprove: true, approvers: [] }

const blocked = { code: 'plan_blocked', message: 'no', remedy: 'ask', allow: 'CertificateAuthority/root' } as const
const deletion = change({
  address: 'CertificateAuthority/root',
  kind: 'CertificateAuthority',
  action: 'delete',
  blocked,
})
const deleting = { document: { changes: [deletion], preflight: [] } }
const pull = (given: Partial<PullRequest>) => ({ pullRequest: { ...pullRequest, ...given } })

interface Given {
  readonly plan?: Partial<ApprovablePlan>
  readonly request?: Partial<ApprovalRequest>
  readonly facts?: Partial<ApprovalFacts>
}

const decisions: [what: string, given: Given, decision: string][] = [
  ['who may merge approves', {}, 'approved by ann'],
  ['who may not does not', { facts: { mayApprove: false } }, 'forbidden: this account may not approve'],
  ['not even what is stale', { plan: { commit: 'c0' }, facts: { mayApprove: false } }, 'forbidden: this account'],
  ['an edited comment', { request: { edited: true } }, 'forbidden: the comment was edited'],
  [
    'an edited comment that names the plan',
    { request: { edited: true, command: { type: 'apply', digest: '0f3ac9d1' } } },
    'forbidden: the comment was edited',
  ],
  ['a closed pull request', { facts: pull({ state: 'closed' }) }, 'conflict: the pull request is not open'],
  ['one that is gone', { facts: { pullRequest: undefined } }, 'conflict: the pull request is not open'],
  ['a fork', { facts: pull({ fromFork: true }) }, 'forbidden: the plan of a fork'],
  ['a push after the plan', { facts: pull({ headCommit: 'c2' }) }, 'plan_stale: the pull request has another head'],
  ['a superseded plan', { plan: { state: 'superseded' } }, 'plan_stale: the plan is no longer open'],
  ['an applied plan', { plan: { state: 'applied' } }, 'plan_stale: the plan is no longer open'],
  [
    'a comment older than the plan',
    { request: { at: '2026-11-21T11:59:59Z' } },
    'plan_stale: the comment is not younger',
  ],
  [
    'a comment of the same second, which is all that forges tell',
    { request: { at: '2026-11-21T12:00:00Z' } },
    'plan_stale: the comment is not younger',
  ],
  ['a comment in another time zone', { request: { at: '2026-11-21T13:00:01+01:00' } }, 'approved by ann'],
  ['a comment without a time', { request: { at: '' } }, 'plan_stale: the comment is not younger'],
  [
    'an older comment that names it',
    { request: { at: '2026-11-21T11:59:59Z', command: { type: 'apply', digest: '0f3ac9d1' } } },
    'approved by ann',
  ],
  [
    'a comment that names another',
    { request: { command: { type: 'apply', digest: 'ffffffff' } } },
    'plan_stale: the comment names another',
  ],
  [
    'errors',
    { plan: { document: { changes: [], preflight: [finding({})] } } },
    'preflight_failed: the plan has errors',
  ],
  [
    'warnings',
    { plan: { document: { changes: [change({})], preflight: [finding({ level: 'warning' })] } } },
    'approved by ann',
  ],
  [
    "what is another's",
    { plan: { document: { changes: [change({ blocked: { ...blocked, code: 'owned_by' } })], preflight: [] } } },
    'owned_by: another source owns',
  ],
  [
    'what is protected',
    {
      plan: {
        document: {
          changes: [change({ action: 'delete', blocked: { code: 'plan_blocked', message: 'no', remedy: 'edit' } })],
          preflight: [],
        },
      },
    },
    'plan_blocked: the plan holds back what no approval lets happen',
  ],
  ['an author deletes an authority alone', { plan: deleting }, 'forbidden: an authority, account or anchor would go'],
  ['in another case too', { plan: deleting, request: { by: 'ANN' } }, 'forbidden: an authority'],
  ['with themselves as second', { plan: deleting, facts: { approvers: ['Ann'] } }, 'forbidden: an authority'],
  [
    'with another person',
    { plan: deleting, facts: { approvers: ['ben'] } },
    'approved by ann ben, allows CertificateAuthority/root',
  ],
  [
    'another person alone',
    { plan: deleting, request: { by: 'ben' } },
    'approved by ben, allows CertificateAuthority/root',
  ],
  [
    'replacing an account is deleting one',
    { plan: { document: { changes: [change({ kind: 'AcmeAccount', action: 'replace' })], preflight: [] } } },
    'forbidden: an authority',
  ],
  [
    'a certificate may go by one word',
    { plan: { document: { changes: [change({ action: 'delete', blocked })], preflight: [] } } },
    'approved by ann, allows Certificate/web',
  ],
]
test.each(decisions)('%s', (_what, given, decision) => {
  const answer = decideApproval(
    { ...plan, ...given.plan },
    { ...request, ...given.request },
    { ...facts, ...given.facts },
  )
  const told =
    answer.type === 'refused'
      ? `${answer.code}: ${answer.message}`
      : `approved by ${answer.by.join(' ')}${answer.allow.length > 0 ? `, allows ${answer.allow.join(' ')}` : ''}`
  expect(told.startsWith(decision)).toBe(true)
  if (answer.type === 'approved') expect([answer.commit, answer.digest]).toEqual([plan.commit, plan.digest])
})

describe('the facts', () => {
  const asked: string[] = []
  const forge = (may: readonly string[]): Pick<Forge, 'mayApprove' | 'approvals' | 'pullRequest'> => ({
    mayApprove: async login => {
      asked.push(`may ${login}`)
      return may.includes(login)
    },
    approvals: async () => ['ben', 'eve'],
    pullRequest: async () => {
      asked.push('pull request')
      return pullRequest
    },
  })
  test('approvals of those who may not approve do not count; the head is asked last', async () => {
    asked.length = 0
    expect(await approvalFacts(forge(['ann', 'ben']), 7, 'ann')).toEqual({
      pullRequest,
      mayApprove: true,
      approvers: ['ben'],
    })
    expect(asked).toEqual(['may ann', 'may ben', 'may eve', 'pull request'])
  })
  test('without an answer nobody approves', async () => {
    const broken = { ...forge([]), mayApprove: () => Promise.reject(new Error('down')) }
    await expect(approvalFacts(broken, 7, 'ann')).rejects.toThrow('down')
  })
})
