import { formatAddress } from '../core/address.ts'
import { EngineError } from '../core/errors.ts'
import { isJsonObject, type Json } from '../core/json.ts'
import type { RecordedResource } from '../core/resource.ts'
import { Secret } from '../core/secret.ts'
import type { OpenResource, OperationContext } from '../kinds/driver.ts'
import type { ExecutorPorts, RunSettings } from './ports.ts'
import type { RecordedIndex } from './recorded.ts'

/** Row id under which a secret field of a resource's spec is sealed. */
export const specSecretId = (resourceId: string, pointer: string) => `${resourceId}#${pointer}`
/** Row id of a secret that a driver keeps for its resource. */
export const heldSecretId = (resourceId: string, name: string) => `${resourceId}!${name}`

/** Everything in an operation's context that all operations of a run share. */
export type SharedContext = Omit<OperationContext, 'journal' | 'progress'>

export function sharedContext(ports: ExecutorPorts, run: RunSettings, recorded: RecordedIndex): SharedContext {
  const { store, unseal } = ports

  const openRecorded = (resource: RecordedResource): OpenResource => ({
    ...resource,
    async secret(pointer) {
      const octets = await unseal(specSecretId(resource.id, pointer))
      return octets && new Secret(Buffer.from(octets.reveal()).toString('utf8'))
    },
    held: name => unseal(heldSecretId(resource.id, name)),
  })

  return {
    clock: ports.clock,
    random: ports.random,
    log: ports.log,
    trace: ports.trace,
    http: ports.http,
    network: ports.network,
    signal: run.abort,
    unseal,
    async open(kind, reference) {
      return openRecorded(find(recorded, kind, reference))
    },
    async openAll(kind) {
      return recorded.ofKind(kind).map(openRecorded)
    },
    certificates: objectId => store.certificates(run.tenant, { objectId }),
    memo: remembering(new Map()),
    shared: remembering(run.memory ?? new Map()),
  }
}

function remembering(memory: Map<string, Promise<unknown>>) {
  return <T>(key: string, make: () => Promise<T>): Promise<T> => {
    const known = memory.get(key)
    if (known) return known as Promise<T> // the same key always stands for the same type
    const made = make()
    memory.set(key, made)
    made.catch(() => memory.delete(key))
    return made
  }
}

function find(recorded: RecordedIndex, kind: string, reference: Json | undefined): RecordedResource {
  const found =
    typeof reference === 'string'
      ? recorded.get(formatAddress(kind, reference))
      : isJsonObject(reference) && typeof reference.external === 'string'
        ? recorded.byId(reference.external)
        : undefined
  if (found?.kind === kind) return found
  const name = typeof reference === 'string' ? reference : JSON.stringify(reference)
  throw new EngineError('reference_unknown', `${kind} ${name} is not recorded`, {
    remedy: 'apply it first, or correct the reference',
  })
}
