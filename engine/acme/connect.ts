import type { Clock, Http, Log, Trace } from '../core/ports.ts'
import type { Secret } from '../core/secret.ts'
import { openSigningKey } from './jws.ts'
import { directoryUrlOf, type ProviderChoice } from './providers.ts'
import { type AccountSession, type AcmeServer, atAccount, openServer, type Session, signIn } from './session.ts'

/** An account's server as its spec names it. */
export interface ServerChoice extends ProviderChoice {
  /** PEM, one or several certificates. */
  readonly trustedRoots?: string
}

export interface ConnectPorts {
  readonly http: Http
  readonly clock: Clock
  readonly trace: Trace
  readonly log: Log
  readonly signal?: AbortSignal
}

/** The ACME server of an account's spec. Nothing is fetched yet. Throws `acme_ca_retired` and what it names. */
export function connect(choice: ServerChoice, ports: ConnectPorts): AcmeServer {
  const { http, clock, trace, log, signal } = ports
  return openServer({
    http,
    clock,
    trace,
    log,
    directoryUrl: directoryUrlOf(choice),
    ...(choice.trustedRoots !== undefined && { trustedRoots: [choice.trustedRoots] }),
    ...(signal && { signal }),
  })
}

/** Signs in with a sealed account key (PKCS#8 DER). */
export async function connectWithKey(
  choice: ServerChoice,
  key: Secret<Uint8Array>,
  ports: ConnectPorts,
): Promise<Session> {
  return signIn(connect(choice, ports), await openSigningKey(key))
}

/** Signs in to a registered account. */
export async function connectToAccount(
  choice: ServerChoice,
  account: { readonly url: string; readonly key: Secret<Uint8Array> },
  ports: ConnectPorts,
): Promise<AccountSession> {
  return atAccount(await connectWithKey(choice, account.key, ports), account.url)
}
