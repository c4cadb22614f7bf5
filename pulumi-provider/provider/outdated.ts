import { X509Certificate } from 'node:crypto'
import type { RecordedResource } from '../../engine/index.ts'
import type { Backend, Planned } from '../backend/backend.ts'
import type { CallContext, Properties, Value } from '../ports.ts'
import { keyHoldingKinds } from '../schema/outputs.ts'
import { ofVersion } from './differences.ts'
import { issuersAreReplaced, ofIssuers } from './foreseen.ts'
import { computed, outputNames } from './outputs.ts'
import { textOf } from './values.ts'

/**
 * Which outputs that the stack remembers are others by now, of a certificate that needs no change itself: somebody else
 * renewed it, or an authority above it has another key. One that was renewed over the same key is no difference: the
 * chain that the stack remembers is valid for as long as the certificate, and comes anew with the next one.
 */
export async function outdated(
  engine: Backend,
  { document, recorded, around }: Planned,
  oldOutputs: Properties,
  { tell }: CallContext,
): Promise<readonly string[]> {
  if (!recorded || !keyHoldingKinds.includes(recorded.kind)) return []
  const { address, kind, status } = recorded
  if (status.serial !== textOf(oldOutputs.serialNumber)) {
    tell('info', `${address}: was renewed elsewhere: what this stack knows of it is brought up to date`)
    return ofVersion
  }
  const names = outputNames(kind, false).filter(name => ofIssuers.includes(name))
  if (issuersAreReplaced(document, address)) return names
  if (!around.some(each => isNewerAuthority(each, recorded))) return []
  const look = await engine.look({ address }, { outside: false })
  const outputs = look ? await computed(look, false) : {}
  return names.filter(name => !isOfSameKeys(outputs[name], oldOutputs[name]))
}

/** Written since, for whatever reason. */
function isNewerAuthority({ kind, address, revision }: RecordedResource, below: RecordedResource): boolean {
  return kind === 'CertificateAuthority' && address !== below.address && revision > below.revision
}

function isOfSameKeys(now: Value | undefined, before: Value | undefined): boolean {
  if (now === before) return true
  const [one, other] = [now, before].map(each => (typeof each === 'string' ? keysIn(each).join() : undefined))
  return one === other
}

/** Public keys of the certificates in a text, in their order. */
function keysIn(pem: string): string[] {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs) ?? []
  return certificates.map(each =>
    new X509Certificate(each).publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
  )
}
