import type { AcmeAccountSpec } from '../../../schemas/generated/types.ts'
import { deactivateAccount, registerAccount, updateContact } from '../../acme/account.ts'
import { connectToAccount, connectWithKey, type ServerChoice } from '../../acme/connect.ts'
import { atAccount } from '../../acme/session.ts'
import { EngineError } from '../../core/errors.ts'
import type { Secret } from '../../core/secret.ts'
import { exportPrivateKey, generateKey } from '../../x509/keys.ts'
import type { Driver, Operation, OperationContext, Outcome, RecordedSubject, Verdict } from '../driver.ts'
import { specOf } from '../spec.ts'
import { checkAccount } from './check.ts'
import { observeAccount } from './observe.ts'

/** An account at an ACME server. Its key is durable before the server hears of it (RFC 8555 §7.3). */
export const driver: Driver = {
  kind: 'AcmeAccount',
  idPrefix: 'acme',
  guarded: true,
  check: checkAccount,
  read: observeAccount,
  decide,
  fate: ({ lifecycle }) =>
    `the account is deactivated at the CA for good, its key ${lifecycle.onDelete === 'destroy' ? 'is destroyed' : 'stays'}`,
  create,
  update,
  delete: deactivate,
}

/** A deactivated account cannot come back (RFC 8555 §7.3.6): it is registered anew with another key. */
function decide({ live }: RecordedSubject): Verdict | undefined {
  if (!live || live.exists) return undefined
  return {
    action: 'create',
    reason: 'drift',
    because: 'the account was deactivated at the CA; a new one is registered',
  }
}

async function create(operation: Operation, context: OperationContext): Promise<Outcome> {
  const spec = specOf<AcmeAccountSpec>(operation)
  const { journal } = context
  let key = await journal.secret('account', 'key')
  if (!key) {
    context.progress('making the account key')
    key = exportPrivateKey(
      await generateKey(spec.keyType === 'rsa' ? { type: 'rsa', size: 2048 } : { type: 'ec', size: 256 }),
    )
    await journal.intend('account', {}, { key })
  }
  context.progress('registering')
  const session = await connectWithKey(serverOf(spec), key, context)
  const account = await registerAccount(session, { emails: emailsOf(spec), ...externalAccount(spec, operation) })
  await journal.complete('account', { url: account.url })
  return outcome(session.directoryUrl, account.url, emailsOf(spec), { key })
}

async function update(operation: Operation, context: OperationContext): Promise<Outcome> {
  const spec = specOf<AcmeAccountSpec>(operation)
  const { url, key } = await registered(operation, context)
  const session = await connectToAccount(serverOf(spec), { url, key }, context)
  const emails = emailsOf(spec)
  if (JSON.stringify(emails) !== JSON.stringify(operation.recorded?.status.emails)) await updateContact(session, emails)
  return outcome(session.directoryUrl, url, emails)
}

async function deactivate(operation: Operation, context: OperationContext) {
  const { url, key } = await registered(operation, context)
  const spec = specOf<AcmeAccountSpec>(operation)
  const session = await connectWithKey(serverOf(spec), key, context)
  await deactivateAccount(atAccount(session, url))
  return { destroyKeys: operation.lifecycle.onDelete === 'destroy' ? [keyRow(operation.id)] : [] }
}

/** The account's URL and key as recorded. */
async function registered(
  operation: Operation,
  context: OperationContext,
): Promise<{ url: string; key: Secret<Uint8Array> }> {
  const url = operation.recorded?.status.url
  const key = await context.unseal(keyRow(operation.id))
  if (typeof url === 'string' && key) return { url, key }
  throw new EngineError('acme_account_missing', `${operation.address} is recorded without its URL or key`, {
    address: operation.address,
    remedy: 'restore the state from a backup, or `trustform state rm` it and apply again',
  })
}

const keyRow = (id: string) => `${id}!key`

function outcome(directoryUrl: string, url: string, emails: readonly string[], secrets?: Outcome['secrets']): Outcome {
  return { status: { url, directoryUrl, emails, status: 'valid' }, ...(secrets && { secrets }) }
}

const emailsOf = (spec: AcmeAccountSpec): readonly string[] => (spec.email === undefined ? [] : [spec.email])

function serverOf({ provider, environment, directoryUrl, trustedRoots }: AcmeAccountSpec): ServerChoice {
  return {
    provider,
    environment,
    ...(directoryUrl !== undefined && { directoryUrl }),
    ...(trustedRoots !== undefined && { trustedRoots }),
  }
}

function externalAccount(spec: AcmeAccountSpec, operation: Operation) {
  const hmacKey = operation.secrets.get('/externalAccountBinding/hmacKey')
  const kid = spec.externalAccountBinding?.kid
  return kid !== undefined && hmacKey ? { externalAccount: { kid, hmacKey } } : {}
}
