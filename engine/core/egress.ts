import { EngineError } from './errors.ts'

/**
 * Asked for every address before a connection to it opens, whatever protocol follows; throws `egress_refused` to
 * refuse. The address asked about is the address used, so a name that resolves differently a second time gains
 * nothing. Without a guard everything may be reached: the user of the command line is the owner of its machine.
 */
export type ConnectGuard = (target: EgressTarget) => void

export interface EgressTarget {
  /** As it was named: a host name or the address itself. */
  readonly hostname: string
  readonly address: string
}

/** A guard's refusal, told to people alike wherever it was met. `because`: `it is a private address`. */
export function egressRefused({ hostname, address }: EgressTarget, because: string): EngineError {
  const named = hostname === address ? hostname : `${hostname} (${address})`
  return new EngineError('egress_refused', `a connection to ${named} is refused: ${because}`, {
    remedy: "use a public address, or ask the operator to add its range to egress.allow in the service's configuration",
  })
}

/** The guard's refusal behind a failure of a network port; undefined when it failed for another reason. */
export function refusalIn(failure: unknown): EngineError | undefined {
  for (let each = failure; each instanceof Error; each = each.cause) {
    if (each instanceof EngineError && each.code === 'egress_refused') return each
  }
  return undefined
}
