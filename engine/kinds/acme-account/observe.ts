import type { AcmeAccountSpec } from '../../../schemas/generated/types.ts'
import { fetchAccount, isDeactivated } from '../../acme/account.ts'
import { connect, connectToAccount } from '../../acme/connect.ts'
import type { AcmeServer } from '../../acme/session.ts'
import { EngineError } from '../../core/errors.ts'
import type { FieldDiff, Finding, Observation, ReadContext, Subject, World } from '../driver.ts'
import { specOf } from '../spec.ts'
import { checkAccount } from './check.ts'

/** Asks the server for its directory and, once registered, for the account's status. Changes nothing there. */
export async function observeAccount(subject: Subject, _world: World, context: ReadContext): Promise<Observation> {
  const spec = specOf<AcmeAccountSpec>(subject)
  if (checkAccount(subject).some(finding => finding.level === 'error')) return seen({}, [])
  try {
    const server = connect(spec, context)
    const { meta } = await server.directory()
    const findings = meta.externalAccountRequired && !spec.externalAccountBinding ? [bindingRequired(server)] : []
    const status = await statusOf(subject, server, context)
    const facts = { directoryUrl: server.directoryUrl, profiles: Object.keys(meta.profiles ?? {}) }
    return seen(facts, findings, status)
  } catch (error) {
    if (error instanceof EngineError) return seen({}, [unreachable(error)])
    throw error
  }
}

/** Undefined for an account that is not registered at this server: one that moves is at another still. */
async function statusOf(
  { recorded, spec }: Subject,
  server: AcmeServer,
  context: ReadContext,
): Promise<string | undefined> {
  const { url, directoryUrl } = recorded?.status ?? {}
  const key = recorded && (await context.unseal(`${recorded.id}!key`))
  if (typeof url !== 'string' || !key || directoryUrl !== server.directoryUrl) return undefined
  try {
    const choice = specOf<AcmeAccountSpec>({ spec })
    return (await fetchAccount(await connectToAccount(choice, { url, key }, context))).status
  } catch (error) {
    if (isDeactivated(error)) return 'deactivated'
    throw error
  }
}

function seen(facts: Observation['facts'], findings: readonly Finding[], status?: string): Observation {
  const dead = status !== undefined && status !== 'valid'
  const drift: FieldDiff[] = dead
    ? [{ path: '/status/status', before: 'valid', after: status, sensitive: false, forcesReplacement: false }]
    : []
  return { exists: !dead, facts, drift, findings }
}

function unreachable(error: EngineError): Finding {
  return {
    check: 'acme-server',
    level: 'error',
    code: error.code,
    message: error.message,
    remedy: error.remedy ?? 'check directoryUrl and the network, then plan again',
    pointer: '/spec',
  }
}

function bindingRequired(server: AcmeServer): Finding {
  return {
    check: 'acme-eab',
    level: 'error',
    code: 'acme_eab_required',
    message: `${server.directoryUrl} only takes accounts bound to an external one`,
    remedy: 'set externalAccountBinding.kid and .hmacKey to the values that the CA gives to its customers',
    pointer: '/spec/externalAccountBinding',
  }
}
