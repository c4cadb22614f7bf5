import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Hint } from '../forge.ts'
import { receiveHook } from './receive.ts'
import type { HookSender } from './signature.ts'

const secret = 'it is a secret'
const hmac = (body: string | Uint8Array, key = secret, algorithm = 'sha256') =>
  createHmac(algorithm, key).update(body).digest('hex')
const body = JSON.stringify({ ref: 'refs/heads/main' })
const octets = Buffer.from(body)

const proofs: [what: string, sender: HookSender, headers: Record<string, string>, accepted: boolean][] = [
  ['GitHub signs with a prefix', 'github', { 'x-hub-signature-256': `sha256=${hmac(body)}` }, true],
  ['without it nothing is proven', 'github', { 'x-hub-signature-256': hmac(body) }, false],
  ['another key', 'github', { 'x-hub-signature-256': `sha256=${hmac(body, 'guess')}` }, false],
  ['another body', 'github', { 'x-hub-signature-256': `sha256=${hmac(`${body} `)}` }, false],
  ['SHA-1 alone', 'github', { 'x-hub-signature': `sha1=${hmac(body, secret, 'sha1')}` }, false],
  ['a cut signature', 'github', { 'x-hub-signature-256': `sha256=${hmac(body).slice(0, 62)}` }, false],
  ['an empty signature', 'github', { 'x-hub-signature-256': 'sha256=' }, false],
  ['no header', 'github', {}, false],
  ["another forge's header", 'github', { 'x-gitlab-token': secret }, false],
  ['Gitea signs bare', 'gitea', { 'x-gitea-signature': hmac(body) }, true],
  ['Forgejo has its own name', 'gitea', { 'x-forgejo-signature': hmac(body) }, true],
  ['a prefix is none of Gitea', 'gitea', { 'x-gitea-signature': `sha256=${hmac(body)}` }, false],
  [
    'a wrong signature is not made good by another',
    'gitea',
    { 'x-gitea-signature': hmac('x'), 'x-forgejo-signature': hmac(body) },
    false,
  ],
  ['GitLab sends the token', 'gitlab', { 'x-gitlab-token': secret }, true],
  ['a longer token', 'gitlab', { 'x-gitlab-token': `${secret}x` }, false],
  ['an empty token', 'gitlab', { 'x-gitlab-token': '' }, false],
  ['anything can sign our way', 'generic', { 'x-trustform-signature': `sha256=${hmac(body)}` }, true],
  ['also to a source with a forge', 'gitlab', { 'x-trustform-signature': `sha256=${hmac(body)}` }, true],
]
test.each(proofs)('%s', (_what, sender, headers, accepted) => {
  expect(receiveHook(sender, secret, { headers, body: octets }) !== undefined).toBe(accepted)
})

test('without a secret nothing is authentic', () => {
  const headers = { 'x-hub-signature-256': `sha256=${hmac(body, '')}`, 'x-gitlab-token': '' }
  for (const sender of ['github', 'gitlab', 'gitea', 'generic'] as const) {
    expect(receiveHook(sender, '', { headers, body: octets })).toBeUndefined()
  }
})

/** A delivery with the proof that its sender wants. */
function delivered(sender: HookSender, event: string, payload: unknown, more: Record<string, string> = {}) {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
  const proof = {
    'x-hub-signature-256': `sha256=${hmac(text)}`,
    'x-gitea-signature': hmac(text),
    'x-gitlab-token': secret,
  }
  const own = sender === 'generic' ? { 'x-trustform-signature': `sha256=${hmac(text)}` } : proof
  const name = { github: 'x-github-event', gitlab: 'x-gitlab-event', gitea: 'x-gitea-event', generic: 'x-none' }[sender]
  return receiveHook(sender, secret, { headers: { [name]: event, ...own, ...more }, body: Buffer.from(text) })
}

const comment = (given: object) => ({
  action: 'created',
  issue: { number: 7, pull_request: {} },
  comment: { body: 'trustform apply', user: { login: 'ann' } },
  sender: { login: 'ann' },
  ...given,
})
const note = (given: object) => ({
  object_attributes: { noteable_type: 'MergeRequest', action: 'create', note: 'trustform apply', ...given },
  merge_request: { iid: 7 },
  user: { username: 'ann' },
})
const said: Hint = { type: 'comment', number: 7, body: 'trustform apply', author: 'ann' }
const other: Hint = { type: 'other' }

const events: [what: string, sender: HookSender, event: string, payload: unknown, hint: Hint][] = [
  ['a push', 'github', 'push', { ref: 'refs/heads/a/b' }, { type: 'push', branch: 'a/b' }],
  ['a tag', 'github', 'push', { ref: 'refs/tags/v1' }, other],
  [
    'a pull request',
    'github',
    'pull_request',
    { number: 7, pull_request: { number: 7 } },
    { type: 'pull-request', number: 7 },
  ],
  ['a review', 'github', 'pull_request_review', { pull_request: { number: 7 } }, { type: 'pull-request', number: 7 }],
  ['a comment', 'github', 'issue_comment', comment({}), said],
  ['an edited comment', 'github', 'issue_comment', comment({ action: 'edited' }), other],
  ['a comment sent by another', 'github', 'issue_comment', comment({ sender: { login: 'eve' } }), other],
  ['a comment of an issue', 'github', 'issue_comment', comment({ issue: { number: 7 } }), other],
  ['a ping', 'github', 'ping', { zen: 'x' }, other],
  ['an event of later', 'github', '__proto__', {}, other],
  ['a push to GitLab', 'gitlab', 'Push Hook', { ref: 'refs/heads/main' }, { type: 'push', branch: 'main' }],
  [
    'a merge request',
    'gitlab',
    'Merge Request Hook',
    { object_attributes: { iid: 7 } },
    { type: 'pull-request', number: 7 },
  ],
  ['a note', 'gitlab', 'Note Hook', note({}), said],
  ['an edited note', 'gitlab', 'Note Hook', note({ action: 'update' }), other],
  ['an old note', 'gitlab', 'Note Hook', note({ action: undefined, created_at: 'a', updated_at: 'a' }), said],
  ["GitLab's own note", 'gitlab', 'Note Hook', note({ system: true }), other],
  ['a note of an issue', 'gitlab', 'Note Hook', note({ noteable_type: 'Issue' }), other],
  ['a comment on Gitea', 'gitea', 'issue_comment', comment({ issue: { number: 7 }, is_pull: true }), said],
  ['a push to Gitea', 'gitea', 'push', { ref: 'refs/heads/main' }, { type: 'push', branch: 'main' }],
  ['a branch from anywhere', 'generic', '', { branch: 'main' }, { type: 'push', branch: 'main' }],
  ['a ref from anywhere', 'generic', '', { ref: 'refs/heads/main' }, { type: 'push', branch: 'main' }],
  ['a pull request from anywhere', 'generic', '', { pullRequest: 7 }, { type: 'pull-request', number: 7 }],
  ['a number that is none', 'generic', '', { pullRequest: '7' }, other],
  ['a negative number', 'generic', '', { pullRequest: -1 }, other],
  ['no JSON', 'github', 'push', 'ref=main', other],
  ['no object', 'github', 'push', [], other],
  ['nothing', 'github', 'push', '', other],
]
test.each(events)('%s', (_what, sender, event, payload, hint) => {
  expect(delivered(sender, event, payload)?.hint).toEqual(hint)
})

test("GitHub's older form", () => {
  const form = `payload=${encodeURIComponent(body)}`
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  expect(delivered('github', 'push', form, type)?.hint).toEqual({ type: 'push', branch: 'main' })
})

test('a long comment is cut', () => {
  const long = comment({ comment: { body: 'x'.repeat(100_000), user: { login: 'ann' } } })
  expect(delivered('github', 'issue_comment', long)?.hint).toMatchObject({ body: 'x'.repeat(4096) })
})

describe('deliveries', () => {
  const id = (headers: Record<string, string>, payload: unknown = { ref: 'refs/heads/main' }) =>
    delivered('gitlab', 'Push Hook', payload, headers)?.delivery
  test('repeated ones are alike, others are not', () => {
    expect(id({ 'idempotency-key': 'a' })).toBe(id({ 'idempotency-key': 'a', 'x-gitlab-event-uuid': 'b' }))
    expect(id({ 'idempotency-key': 'a' })).not.toBe(id({ 'idempotency-key': 'b' }))
    expect(id({ 'idempotency-key': 'a' })).toBeDefined()
  })
  test('that nobody counts are never taken for repeated ones', () => {
    expect(id({})).toBeUndefined()
  })
  test('one event cannot take the number of another', () => {
    expect(id({ 'idempotency-key': 'a' })).not.toBe(id({ 'idempotency-key': 'a' }, { ref: 'refs/heads/other' }))
  })
})

test('a payload of any shape is an answer', () => {
  const senders = fc.constantFrom<HookSender>('github', 'gitlab', 'gitea', 'generic')
  const names = fc.constantFrom(...events.map(([, , event]) => event))
  const keys = fc.constantFrom(
    ...['ref', 'branch', 'pullRequest', 'number', 'action', 'issue', 'comment', 'sender', 'user', 'body', 'login'],
    ...['object_attributes', 'merge_request', 'iid', 'note', '__proto__', 'constructor'],
  )
  const { tree } = fc.letrec(tie => ({
    tree: fc.oneof({ depthSize: 'small' }, fc.jsonValue(), fc.dictionary(keys, tie('tree'))),
  }))
  fc.assert(
    fc.property(senders, names, tree, (sender, event, payload) => {
      expect(delivered(sender, event, payload)?.hint.type).toMatch(/^(push|pull-request|comment|other)$/)
    }),
  )
})
