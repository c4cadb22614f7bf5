import type { AcmeAccountSpec, CertificateSpec } from '../../../schemas/generated/types.ts'
import { connectToAccount } from '../../acme/connect.ts'
import { identifiersOf } from '../../acme/identifier.ts'
import type { KeySource } from '../../acme/issuance.ts'
import { obtainCertificate } from '../../acme/issue.ts'
import { certId, fetchRenewalInfo } from '../../acme/renewal-info.ts'
import type { AccountSession } from '../../acme/session.ts'
import { EngineError } from '../../core/errors.ts'
import { newId } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { parseCertificate } from '../../x509/certificate.ts'
import type { Operation, OperationContext, Outcome } from '../driver.ts'
import { specOf } from '../spec.ts'
import { reusableKeyId } from './from-role.ts'
import { type CertificateRequest, requestOf } from './request.ts'
import { solverFor } from './solver.ts'

/** A new version from an ACME server. Every effect outside is in the journal before; see `acme/issue.ts`. */
export async function issueFromAccount(operation: Operation, context: OperationContext): Promise<Outcome> {
  const spec = specOf<CertificateSpec>(operation)
  const account = await context.open('AcmeAccount', spec.account)
  const accountSpec = specOf<AcmeAccountSpec>(account)
  const session = await openAccount(context, spec)
  const request = requestOf(spec)
  const profile = spec.profile ?? accountSpec.profile
  const replaces = replacedCertId(operation, session.directoryUrl)
  const keptId = await reusableKeyId(operation, context)

  const issued = await obtainCertificate({
    session,
    identifiers: identifiersOf(request.names.dns, request.names.ip),
    key: await keySource(request, keptId, context),
    solver: await solverFor(spec, context),
    journal: context.journal,
    progress: context.progress,
    ...(profile !== undefined && { profile }),
    ...(replaces !== undefined && { replaces }),
    ...(spec.preferredChain !== undefined && { preferredChain: spec.preferredChain }),
  })
  const leaf = parseCertificate(issued.leaf)
  const id = newId('crt', context.random)
  const [notBefore, notAfter] = [leaf.notBefore.toISOString(), leaf.notAfter.toISOString()]
  const ariId = leaf.aki && certId(leaf.aki, leaf.serialHex)
  const window = ariId === undefined ? undefined : await renewalWindow(session, ariId, context)
  return {
    status: {
      certificateId: id,
      issuerId: '',
      serial: leaf.serialHex,
      notBefore,
      notAfter,
      directoryUrl: session.directoryUrl,
      accountUrl: session.accountUrl,
      orderUrl: issued.orderUrl,
      ...(ariId !== undefined && { ariId }),
      ...(window && { window }),
    },
    certificates: [
      {
        id,
        objectId: operation.id,
        issuerId: '',
        serial: leaf.serialHex,
        notBefore,
        notAfter,
        der: issued.leaf,
        chain: issued.chain,
        ...(keptId !== undefined ? { key: { keyId: keptId } } : issued.key && { key: { privateKey: issued.key } }),
      },
    ],
    afterwards: issued.cleanup,
  }
}

/** The session of the spec's account, opened once per run and account; this operation's scope is put around it. */
export async function openAccount(context: OperationContext, spec: CertificateSpec): Promise<AccountSession> {
  const account = await context.open('AcmeAccount', spec.account)
  const session = await context.memo(`acme ${account.id} ${account.revision}`, async () => {
    const key = await account.held('key')
    const { url } = account.status
    if (!key || typeof url !== 'string') {
      throw new EngineError('acme_account_missing', `${account.address} is recorded without its URL or key`, {
        address: account.address,
        remedy: 'restore the state from a backup, or apply the account again',
      })
    }
    return connectToAccount(specOf<AcmeAccountSpec>(account), { url, key }, context)
  })
  const { signal, trace, log } = context
  return session.within({ signal, trace, log })
}

async function keySource(
  request: CertificateRequest,
  keptId: string | undefined,
  context: OperationContext,
): Promise<KeySource> {
  if (request.csr) return { csr: request.csr.der }
  const kept = keptId === undefined ? undefined : await context.unseal(keptId)
  return kept ? { reuse: kept } : { generate: request.key }
}

/** RFC 9773 §5: the predecessor is named only to the server that issued it. */
function replacedCertId({ action, recorded }: Operation, directoryUrl: string): string | undefined {
  const { ariId, directoryUrl: issuedBy } = recorded?.status ?? {}
  return action === 'renew' && typeof ariId === 'string' && issuedBy === directoryUrl ? ariId : undefined
}

/** The CA's advice at the time of issue; it only serves displays and offline plans, so failing to get it is no failure. */
async function renewalWindow(
  session: AccountSession,
  ariId: string,
  { log }: OperationContext,
): Promise<JsonObject | undefined> {
  try {
    const info = await fetchRenewalInfo(session, ariId)
    return info && { start: info.window.start.toISOString(), end: info.window.end.toISOString() }
  } catch (error) {
    log.debug('acme: no renewal information', { ariId, error: String(error) })
    return undefined
  }
}
