import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Diagnostic } from '../../engine/index.ts'
import { change, documentOf, finding, samplePlan } from '../../engine/planner/fixtures/documents.ts'
import type { Outcome } from '../sources/source.ts'
import { markerOf, renderComment } from './comment.ts'
import type { PreviewContent, PreviewContext } from './content.ts'
import { cutMarkdown } from './cut.ts'
import { statusOf, statusOfOutcome } from './status.ts'

const context: PreviewContext = {
  source: 'infra',
  commit: '2b6aa2a563a893a761f1aa32616907b14c6a331c',
  limit: 65_536,
  digest: 'sha256:0f3ac9d1e2b4c5d6',
  url: 'https://pki.example/v1/plans/plan_1',
  apply: 'merge',
}

const diagnostics: readonly Diagnostic[] = [
  {
    severity: 'error',
    code: 'reference_unknown',
    message: 'Certificate "web" does not name a known role: "webb"',
    remedy: 'did you mean "web"? Roles in this configuration: api, web',
    position: { file: 'certificates/web.yaml', line: 7, column: 9, sourceLine: '  role: webb', length: 4 },
  },
  {
    severity: 'warning',
    code: 'input_empty',
    message: 'the file declares nothing',
    position: { file: 'a.yaml', line: 1, column: 1 },
  },
]
const changing = documentOf({ changes: [change({ action: 'create', address: 'Certificate/a' })] })

const root = { address: 'CertificateAuthority/old', kind: 'CertificateAuthority', name: 'old' } as const
const deleting = documentOf({
  changes: [
    change({
      ...root,
      action: 'delete',
      because: 'no longer declared',
      blocked: {
        code: 'plan_blocked',
        message: 'deleting a CertificateAuthority needs an explicit word',
        remedy: 'if you mean it, add --allow CertificateAuthority/old',
        allow: 'CertificateAuthority/old',
      },
    }),
  ],
})

const faces: [name: string, content: PreviewContent, given: Partial<PreviewContext>][] = [
  [
    'blocked',
    { type: 'plan', document: samplePlan },
    { notices: ['eve asked to apply and was refused: this account may not approve plans here'] },
  ],
  ['changes', { type: 'plan', document: changing }, {}],
  ['deletion', { type: 'plan', document: deleting }, { notices: ['ann: an authority would go; ask another person'] }],
  ['approved', { type: 'plan', document: deleting }, { approvedBy: ['ben', 'ann'] }],
  ['discarded', { type: 'plan', document: deleting }, { discardedBy: 'key_ben' }],
  ['waiting', { type: 'plan', document: changing }, { apply: 'approval' }],
  [
    'merged',
    { type: 'plan', document: deleting },
    { approvedBy: ['ben'], ended: { state: 'merged', branch: 'main', mergeCommit: 'c'.repeat(40) } },
  ],
  ['closed', { type: 'plan', document: changing }, { ended: { state: 'closed', branch: 'main' } }],
  ['nothing', { type: 'plan', document: documentOf({ changes: [change({ action: 'no-op' })] }) }, {}],
  ['fork', { type: 'plan', document: { ...changing, offline: true } }, { fromFork: true }],
  ['invalid', { type: 'invalid', diagnostics }, {}],
  [
    'failed',
    { type: 'failed', message: 'the state is locked by ann', remedy: 'wait, or run trustform state unlock' },
    {},
  ],
  ['pending', { type: 'pending' }, {}],
]
test.each(faces)('the comment of what is %s', async (name, content, given) => {
  const comment = await renderComment(content, { ...context, ...given })
  await expect(comment).toMatchFileSnapshot(join(import.meta.dirname, 'golden', `${name}.md`))
})

const statuses: [what: string, content: PreviewContent, state: string, description: string][] = [
  ['nothing to do', { type: 'plan', document: documentOf({}) }, 'success', 'nothing to do'],
  ['changes', { type: 'plan', document: changing }, 'success', '1 to create.'],
  [
    'what is in the way',
    { type: 'plan', document: documentOf({ preflight: [finding({})] }) },
    'failure',
    'cannot be applied: nothing to do; 1 error.',
  ],
  ['what needs a word', { type: 'plan', document: deleting }, 'failure', 'needs approval: 1 to delete; 1 blocked.'],
  ['an invalid configuration', { type: 'invalid', diagnostics }, 'failure', 'invalid configuration: 1 error'],
  ['a failure', { type: 'failed', message: 'x' }, 'error', 'the plan could not be made'],
  ['work', { type: 'pending' }, 'pending', 'planning'],
]
test.each(statuses)('the status of %s', async (_what, content, state, description) => {
  const url = 'https://pki.example/1'
  expect(await statusOf(content, { source: 'infra', url })).toEqual({
    context: 'trustform/infra',
    url,
    state,
    description,
  })
})

test('the status of what was discarded', async () => {
  const given = { source: 'infra', discardedBy: 'ben' }
  expect(await statusOf({ type: 'plan', document: changing }, given)).toMatchObject({
    ...{ state: 'failure', description: 'discarded by ben: 1 to create.' },
  })
})

const until = new Date('2026-11-21T12:00:00Z')
const ready: Outcome = {
  type: 'ready',
  reason: 'Applied',
  message: 'applied 2 changes at 2b6aa2a563a8',
  drift: [],
}
const outcomes: [what: string, outcome: Outcome, state: string, description: string][] = [
  ['what was applied', ready, 'success', 'applied 2 changes at 2b6aa2a563a8'],
  [
    'drift beside it',
    { ...ready, drift: [{ address: 'AcmeAccount/ca', what: 'status is deactivated, was valid' }] },
    'success',
    'applied 2 changes at 2b6aa2a563a8; drifted: AcmeAccount/ca: status is deactivated, was valid',
  ],
  ['no change', { ...ready, reason: 'NoChange', message: 'at 2b6aa2a563a8' }, 'success', 'nothing to do'],
  [
    'a wait',
    { type: 'waiting', reason: 'Locked', message: 'the state is locked', until },
    'pending',
    'trying again: the state is locked',
  ],
  [
    'a bug, without its words',
    { type: 'waiting', reason: 'InternalError', message: 'internal error: x of undefined', until },
    'error',
    'internal error; it is tried again',
  ],
  [
    'a plan that waits for its word',
    { type: 'stalled', reason: 'AwaitingApproval', message: '2 changes wait for approval' },
    'pending',
    '2 changes wait for approval',
  ],
  [
    'what is held back',
    { type: 'stalled', reason: 'Blocked', message: 'an authority would go' },
    'failure',
    'an authority would go',
  ],
  [
    'escapes in what is wrong',
    { type: 'stalled', reason: 'InvalidConfiguration', message: 'a.yaml:1:1: \u001b[2J\u202e' },
    'failure',
    'a.yaml:1:1: \ufffd[2J\ufffd',
  ],
]
test.each(outcomes)('the status of the branch after %s', (_what, outcome, state, description) => {
  const context = 'trustform/infra'
  expect(statusOfOutcome(outcome, { source: 'infra' })).toEqual({ context, state, description })
})

test('the beginning and the end are whole, however little fits', async () => {
  const changes = Array.from({ length: 3000 }, (_, index) =>
    change({ address: `Certificate/c${index}`, because: 'x'.repeat(300) }),
  )
  const many: Diagnostic[] = Array.from({ length: 500 }, () => ({
    severity: 'error',
    code: 'usage',
    message: 'y '.repeat(150),
  }))
  const contents: PreviewContent[] = [
    { type: 'plan', document: documentOf({ changes }) },
    { type: 'invalid', diagnostics: many },
    { type: 'failed', message: 'z\n'.repeat(100_000) },
    { type: 'markdown', text: 'w\n'.repeat(100_000) },
  ]
  for (const content of contents) {
    for (const limit of [4000, 65_536]) {
      const comment = await renderComment(content, { ...context, limit })
      expect(comment.length).toBeLessThanOrEqual(limit)
      expect(comment.startsWith(`${markerOf('infra')}\n`)).toBe(true)
      expect(comment.endsWith('this comment is kept up to date</sub>\n')).toBe(true)
    }
  }
})

test('a name cannot end the marker, and each has its own', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), name => {
      if (!name.isWellFormed()) return
      const marker = markerOf(name)
      expect(marker.indexOf('-->')).toBe(marker.length - 3)
      expect(marker).not.toMatch(/[\r\n]/)
      expect(decodeURIComponent(marker.slice('<!-- trustform:'.length, -' -->'.length))).toBe(name)
    }),
  )
})

describe('markdown that is cut', () => {
  const text = [
    '# plan',
    '',
    '<details><summary>x</summary>',
    '',
    '````diff',
    ...Array(100).fill('+ ```'),
    '````',
    '',
    '</details>',
  ].join('\n')
  test('ends what it began', () => {
    const cut = cutMarkdown(text, 400)
    expect(cut.length).toBeLessThanOrEqual(400)
    const [before = ''] = cut.split('\n\n… cut here')
    expect(before.endsWith('\n````\n\n</details>')).toBe(true)
  })
  test('is left alone where it fits', () => expect(cutMarkdown(text, 10_000)).toBe(text))
})
