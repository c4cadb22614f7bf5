import { EngineError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import { type Answer, fieldsOf, jsonObject, malformed } from './answer.ts'
import { asObject, bindExternalAccount, type ExternalAccount, type SigningKey, signRequest } from './jws.ts'
import { problemType, upstreamStatus } from './problem.ts'
import { type AccountSession, atAccount, postAs, type Session, signIn } from './session.ts'

/** RFC 8555 §7.1.2. */
export interface Account {
  readonly url: string
  readonly status: string
  /** As the CA keeps it; some keep none. */
  readonly contact: readonly string[]
}

export interface Registration {
  /** E-mail addresses. */
  readonly emails: readonly string[]
  readonly externalAccount?: ExternalAccount
}

/**
 * Registers the session's key, or finds its account when it has one (RFC 8555 §7.3: the same key always names the
 * same account), so a repeated call after a crash is harmless. The terms of service are agreed to.
 * Throws `acme_eab_required`, `acme_refused`.
 */
export async function registerAccount(session: Session, registration: Registration): Promise<Account> {
  const { meta } = await session.directory()
  const { externalAccount } = registration
  if (meta.externalAccountRequired && !externalAccount) {
    throw new EngineError('acme_eab_required', `${session.directoryUrl} only takes accounts bound to an external one`, {
      remedy: 'set externalAccountBinding.kid and .hmacKey to the values that the CA gives to its customers',
    })
  }
  // Some CAs let a MAC key be used once: after a crash the account is looked for before it is asked for again.
  const existing = externalAccount ? await findAccount(session) : undefined
  if (existing) return existing
  return session.trace.span('acme.new_account', { directory: session.directoryUrl }, async () =>
    readAccount(
      await session.post({
        key: session.key,
        to: { entry: 'newAccount' },
        payload: async url => ({
          termsOfServiceAgreed: true,
          ...contactOf(registration.emails),
          ...(externalAccount && {
            externalAccountBinding: await bindExternalAccount(externalAccount, session.key, url),
          }),
        }),
      }),
    ),
  )
}

/** The account of the session's key, or undefined when the CA knows none (RFC 8555 §7.3.1). */
export async function findAccount(session: Session): Promise<Account | undefined> {
  try {
    const payload = { onlyReturnExisting: true }
    return readAccount(await session.post({ key: session.key, to: { entry: 'newAccount' }, payload }))
  } catch (error) {
    if (problemType(error) === 'accountDoesNotExist') return undefined
    throw error
  }
}

/** Signs in to the account of the session's key. Throws `acme_account_missing`. */
export async function accountSession(session: Session): Promise<AccountSession> {
  const account = await findAccount(session)
  if (!account) {
    throw new EngineError('acme_account_missing', `${session.directoryUrl} knows no account for this key`, {
      remedy: 'apply the AcmeAccount again: it registers the same key',
    })
  }
  return atAccount(session, account.url)
}

/** The account as the CA has it now. */
export async function fetchAccount(session: AccountSession): Promise<Account> {
  return readAccount(await postAs(session, session.accountUrl, ''), session.accountUrl)
}

/** Replaces the e-mail addresses (RFC 8555 §7.3.2). */
export function updateContact(session: AccountSession, emails: readonly string[]): Promise<Account> {
  return session.trace.span('acme.update_account', { account: session.accountUrl }, () =>
    update(session, { contact: emails.map(email => `mailto:${email}`) }),
  )
}

/** Deactivates the account for ever (RFC 8555 §7.3.6); an account that is so already is a success. */
export function deactivateAccount(session: AccountSession): Promise<void> {
  return session.trace.span('acme.deactivate', { account: session.accountUrl }, async () => {
    try {
      await update(session, { status: 'deactivated' })
    } catch (error) {
      // The repeated request after a crash.
      if (!isDeactivated(error) && problemType(error) !== 'accountDoesNotExist') throw error
    }
  })
}

/**
 * Whether the CA refused because the account was deactivated. RFC 8555 §7.3.6 has only `unauthorized` for it; Boulder
 * and Pebble tell the rest in words (verified 2026-11).
 */
export function isDeactivated(error: unknown): boolean {
  return problemType(error) === 'unauthorized' && error instanceof EngineError && /deactivated/i.test(error.message)
}

/**
 * Gives the account another key (RFC 8555 §7.3.5) and returns its session. Keep both keys until it returns: after a
 * crash `findAccount` with each tells which one the CA holds.
 */
export async function rollOverKey(session: AccountSession, newKey: SigningKey): Promise<AccountSession> {
  const taken = (cause?: unknown) =>
    new EngineError('acme_refused', 'the new account key already belongs to another account', {
      remedy: 'make a fresh key for the rollover',
      cause,
    })
  await session.trace.span('acme.key_change', { account: session.accountUrl }, async () => {
    const oldKey = { ...session.key.jwk }
    try {
      await session.post({
        key: session.key,
        kid: session.accountUrl,
        to: { entry: 'keyChange' },
        payload: async url => asObject(await signRequest(newKey, { url }, { account: session.accountUrl, oldKey })),
      })
    } catch (error) {
      if (upstreamStatus(error) === 409) throw taken(error)
      throw error
    }
  })
  const rolled = atAccount(signIn(session, newKey), session.accountUrl)
  // The old key is about to be forgotten, so the answer alone is not believed: Pebble 2.10 says 200 for a key that
  // belongs to another account and changes nothing (verified 2026-11).
  if ((await findAccount(rolled))?.url !== session.accountUrl) throw taken()
  return rolled
}

async function update(session: AccountSession, changes: JsonObject): Promise<Account> {
  return readAccount(await postAs(session, session.accountUrl, changes), session.accountUrl)
}

function contactOf(emails: readonly string[]): JsonObject {
  return emails.length === 0 ? {} : { contact: emails.map(email => `mailto:${email}`) }
}

function readAccount(answer: Answer, knownUrl?: string): Account {
  const url = knownUrl ?? answer.header('location')
  if (url === undefined || !URL.canParse(url, answer.url)) throw malformed(answer, 'answered without the account URL')
  const object = jsonObject(answer)
  const fields = fieldsOf(object, answer)
  return {
    url: new URL(url, answer.url).href,
    status: fields.optionalString('status') ?? 'valid',
    contact: Array.isArray(object.contact) ? fields.strings('contact') : [],
  }
}
