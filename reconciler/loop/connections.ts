import {
  type Clock,
  createEngine,
  type Engine,
  EngineError,
  type EngineOptions,
  type Http,
  isJsonObject,
  type Json,
  type JsonObject,
  type Log,
  type Random,
  type SecretReference,
  type StateStore,
  type Trace,
} from '../../engine/index.ts'
import { createAnswers } from '../forges/answers.ts'
import { createForge } from '../forges/registry.ts'
import type { ForgeResponse } from '../forges/transport.ts'
import type { Egress } from '../net/egress.ts'
import { allSources } from '../records/source-records.ts'
import { credentialsOf } from '../sources/git/credentials.ts'
import { openRepository } from '../sources/git/open-repository.ts'
import { ownerOf, type Source } from '../sources/source.ts'
import type { PollPorts } from './poller.ts'
import { createRepositories } from './repositories.ts'

export interface ConnectionOptions {
  readonly store: StateStore
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly trace: Trace
  readonly env: Readonly<Record<string, string | undefined>>
  /** Guarded: what tenants name is reached through it. */
  readonly http: Http
  readonly egress: Egress
  /** Where repositories are cached. */
  readonly cacheFolder: string
  readonly allowInsecureGit: boolean
  readonly publicUrl?: string
  readonly http01Listen?: string
  readonly resolver?: string
}

/** What the loop works with, opened when first needed and kept until `close`. */
export interface Connections extends Omit<PollPorts, 'wake' | 'beat' | 'turn'> {
  /** A secret of a source itself: credentials, tokens, the key of its webhook. */
  secretOf(source: Source, reference: Json): Promise<string>
  /** Closes and removes what was kept for sources that are gone. */
  forgetRemoved(): Promise<void>
  /** Within a bound. */
  close(): Promise<void>
}

/** Milliseconds in which fetches that were told to end have to do so. */
const closeGrace = 5_000

export function createConnections(options: ConnectionOptions): Connections {
  const { store, clock, random, log, trace, env, http } = options
  const engines = new Map<
    string,
    { readonly tenant: string; readonly owner: string; readonly opened: Promise<Engine> }
  >()

  function opened(
    tenant: string,
    owner: string,
    references: NonNullable<EngineOptions['references']>,
  ): Promise<Engine> {
    const key = JSON.stringify([tenant, owner, references.files, Object.keys(references.env).length > 0])
    const known = engines.get(key)
    if (known) return known.opened
    const { resolver, http01Listen, egress } = options
    const network = {
      guard: egress.guard,
      ...(resolver !== undefined && { resolver }),
      ...(http01Listen !== undefined && { http01Listen }),
    }
    const engine = createEngine({
      state: store,
      tenant,
      owner,
      env,
      http,
      clock,
      random,
      log,
      trace,
      references,
      network,
    })
    engines.set(key, { tenant, owner, opened: engine })
    engine.catch(() => engines.delete(key))
    return engine
  }

  const engineOfService = (tenant: string) => opened(tenant, serviceOwner, { env, files: true })

  /**
   * A repository that the operator chose may name variables of the service, but none of its own, and none of its files.
   * One that a tenant chose reaches neither: it could send them wherever it likes.
   */
  function engineOf(source: Source): Promise<Engine> {
    const variables = source.declaredBy === 'configuration' ? withoutOwn(env) : {}
    return opened(source.tenant, ownerOf(source), { env: variables, files: false })
  }

  /** Secrets of a source itself. One that a tenant made by the API reaches stored secrets only. */
  async function secretOf(source: Source, reference: Json): Promise<string> {
    const known = secretReference(reference)
    if (source.declaredBy === 'api' && !('secret' in known)) {
      throw new EngineError('secret_unresolved', `the source "${source.spec.name}" names a secret of this machine`, {
        remedy: 'store it as a Secret and name it by {secret: PATH#FIELD}',
      })
    }
    const engine = await engineOfService(source.tenant)
    return (await engine.resolveSecret(known, '.')).reveal()
  }

  const answers = createAnswers<ForgeResponse>()
  const repositories = createRepositories(options.cacheFolder, (source, folder) => {
    const { url, credentials } = source.spec
    return openRepository({
      folder,
      url,
      allowInsecure: options.allowInsecureGit,
      http,
      egress: options.egress,
      ...(credentials && { credentials: credentialsOf(credentials, reference => secretOf(source, reference)) }),
    })
  })

  return {
    store,
    clock,
    random,
    log,
    trace,
    ...(options.publicUrl !== undefined && { publicUrl: options.publicUrl }),
    engineOf,
    engineOfService,
    secretOf,
    repositoryOf: repositories.of,
    headOf: async (source, signal) => (await repositories.of(source)).headOf(source.spec.branch, signal),
    async signaturesOf({ spec }) {
      if (!spec.requireSignedBy) return undefined
      const { createSignaturePolicy, requireSignedBy } = await import('../sources/signatures/policy.ts')
      return createSignaturePolicy(await requireSignedBy(spec.requireSignedBy))
    },
    async forgeOf(source) {
      const { forge } = source.spec
      if (!forge) return undefined
      const { type, url, repository, token } = forge
      return createForge({
        type,
        repository,
        token: await secretOf(source, token),
        http,
        clock,
        answers,
        allowInsecure: options.allowInsecureGit,
        ...(url !== undefined && { url }),
      })
    },
    async forgetRemoved() {
      let read: Promise<readonly Source[]> | undefined
      const sources = () => (read ??= allSources(store))
      await repositories.keepOnly(sources)
      const used = new Set((await sources()).map(source => JSON.stringify([source.tenant, ownerOf(source)])))
      for (const [key, { tenant, owner }] of engines) {
        // They have nothing of their own to close: a pass that still runs ends with its engine.
        if (owner !== serviceOwner && !used.has(JSON.stringify([tenant, owner]))) engines.delete(key)
      }
    },
    async close() {
      const all = [repositories.close(), ...[...engines.values()].map(async ({ opened }) => (await opened).close())]
      const rest = new AbortController()
      // What does not end in time ends with the process.
      await Promise.race([Promise.allSettled(all), clock.sleep(closeGrace, rest.signal).catch(() => undefined)])
      rest.abort()
    },
  }
}

/** Renewals and the service's own secrets. */
const serviceOwner = 'service'

/** Without `TRUSTFORM_…`: the master key and the like are nobody's credential. */
function withoutOwn(env: ConnectionOptions['env']): ConnectionOptions['env'] {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TRUSTFORM_')))
}

function secretReference(reference: Json): SecretReference {
  if (isJsonObject(reference)) {
    const { env, file, secret, age }: JsonObject = reference
    if (typeof env === 'string') return { env }
    if (typeof file === 'string') return { file }
    if (typeof secret === 'string') return { secret }
    if (typeof age === 'string') return { age }
  }
  throw new EngineError('secret_unresolved', 'this is not a secret reference', {
    remedy: 'write {env: NAME}, {file: PATH}, {secret: PATH} or {age: …}',
  })
}
