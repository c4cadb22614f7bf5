import { isJsonObject, type Json, type JsonObject } from '../../../engine/index.ts'
import type { Hint } from '../forge.ts'
import type { HookSender } from './signature.ts'

const other: Hint = { type: 'other' }

/** Longest comment that is looked at; an approval is one short line. */
const longestComment = 4096

type Reader = (payload: JsonObject) => Hint

const push: Reader = ({ ref }) => {
  const branch = typeof ref === 'string' && ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : ''
  return branch === '' ? other : { type: 'push', branch }
}

const pullRequest: Reader = payload => numbered(field(payload.pull_request).number ?? payload.number)

/**
 * A new comment of a pull request. An edited one is none: who may edit another's words must not speak for them; and
 * the one who sent it must be the one who is named as its author.
 */
const issueComment: Reader = payload => {
  const { action, issue, comment, sender, is_pull } = payload
  const author = text(field(field(comment).user).login)
  const pulls = isJsonObject(field(issue).pull_request) || is_pull === true
  if (action !== 'created' || !pulls || author === '' || text(field(sender).login) !== author) return other
  return commented(field(issue).number, field(comment).body, author)
}

const mergeRequest: Reader = ({ object_attributes }) => numbered(field(object_attributes).iid)

const note: Reader = payload => {
  const { noteable_type, note: body, system, action, created_at, updated_at } = field(payload.object_attributes)
  // GitLab before 16 does not name the action.
  const isNew = action === undefined ? created_at === updated_at : action === 'create'
  if (noteable_type !== 'MergeRequest' || system === true || !isNew) return other
  return commented(field(payload.merge_request).iid, body, text(field(payload.user).username))
}

/** `{"ref": "refs/heads/main"}`, `{"branch": "main"}` or `{"pullRequest": 7}`. */
const generic: Reader = payload => {
  if (payload.pullRequest !== undefined) return numbered(payload.pullRequest)
  const branch = text(payload.branch)
  return branch === '' ? push(payload) : { type: 'push', branch }
}

/** What each sender's events mean to us, by the name in their header; all others mean nothing. */
const readers: Readonly<Record<HookSender, { readonly header: string; readonly events: ReadonlyMap<string, Reader> }>> =
  {
    github: {
      header: 'x-github-event',
      events: new Map([
        ['push', push],
        ['pull_request', pullRequest],
        ['pull_request_review', pullRequest],
        ['issue_comment', issueComment],
      ]),
    },
    gitlab: {
      header: 'x-gitlab-event',
      events: new Map([
        ['Push Hook', push],
        ['Merge Request Hook', mergeRequest],
        ['Note Hook', note],
      ]),
    },
    gitea: {
      header: 'x-gitea-event',
      events: new Map([
        ['push', push],
        ['pull_request', pullRequest],
        ['pull_request_sync', pullRequest],
        ['pull_request_approved', pullRequest],
        ['pull_request_rejected', pullRequest],
        ['pull_request_review_approved', pullRequest],
        ['pull_request_review_rejected', pullRequest],
        ['issue_comment', issueComment],
        ['pull_request_comment', issueComment],
      ]),
    },
    generic: { header: 'x-trustform-event', events: new Map() },
  }

/** What an event is about. A payload of any shape is an answer, never an exception. */
export function hintOf(
  sender: HookSender,
  headers: Readonly<Record<string, string | undefined>>,
  payload: Json | undefined,
): Hint {
  if (!isJsonObject(payload)) return other
  const { header, events } = readers[sender]
  const event = headers[header] ?? (sender === 'gitea' ? headers['x-forgejo-event'] : undefined)
  // Anybody with the secret may send our own form, also to a source with a forge.
  if (event === undefined) return headers['x-trustform-signature'] === undefined ? other : generic(payload)
  return events.get(event)?.(payload) ?? other
}

function numbered(number: Json | undefined): Hint {
  return isNumber(number) ? { type: 'pull-request', number } : other
}

function commented(number: Json | undefined, body: Json | undefined, author: string): Hint {
  if (!isNumber(number) || typeof body !== 'string' || author === '') return other
  return { type: 'comment', number, body: body.slice(0, longestComment), author }
}

const isNumber = (value: Json | undefined): value is number => Number.isSafeInteger(value) && Number(value) > 0
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '')
const field = (value: Json | undefined): JsonObject => (isJsonObject(value) ? value : {})
