import {
  type Address,
  type Change,
  type Diagnostic,
  DiagnosticsError,
  EngineError,
  type PlanDocument,
} from '../../engine/index.ts'
import { type CallContext, sentenceOf } from '../ports.ts'
import { diagnosticInPulumiWords } from './words.ts'

/** The change of one resource in a plan about it. */
export function changeOf(document: PlanDocument, address: Address): Change {
  const change = document.changes.find(each => each.address === address)
  if (!change) throw new EngineError('internal', `the plan says nothing of ${address}`, { address })
  return change
}

/** Tells what is to be known about a change before it is made. */
export function tellFindings(document: PlanDocument, address: Address, { tell }: CallContext): void {
  for (const finding of document.preflight) {
    if (finding.address !== address || finding.level !== 'warning') continue
    tell('warning', sentenceOf(diagnosticInPulumiWords({ ...finding, severity: 'warning' })))
  }
}

/** What the CLI's own words for a difference do not say: that something is made anew, and why. */
export function tellReason({ address, action, reason, because }: Change, { tell }: CallContext): void {
  if (because === undefined || action === 'no-op' || (action === 'update' && reason === 'config')) return
  tell('info', `${address}: ${verbs[action] ?? action}: ${because}`)
}

const verbs: Partial<Record<Change['action'], string>> = {
  create: 'is made anew',
  replace: 'is replaced',
  renew: 'is renewed',
  reissue: 'is issued again',
}

/**
 * Throws everything for which this change would be refused. Where only fields that are not known yet would make it a
 * replacement, that is told and not refused: they may turn out as they are.
 */
export function refuseBlocked(document: PlanDocument, change: Change, { tell }: CallContext): void {
  const { address, blocked, diffs } = change
  const errors: Diagnostic[] = []
  if (blocked) {
    const { code, message, remedy } = blocked
    const forcing = diffs.filter(({ forcesReplacement }) => forcesReplacement)
    const isOpen = forcing.length > 0 && forcing.every(({ after }) => after === '(unknown)')
    const diagnostic: Diagnostic = { severity: isOpen ? 'warning' : 'error', code, message, remedy, address }
    if (isOpen) tell('warning', sentenceOf(diagnosticInPulumiWords(diagnostic)))
    else errors.push(diagnostic)
  }
  for (const { level, ...finding } of document.preflight) {
    if (finding.address === address && level === 'error') errors.push({ ...finding, severity: 'error' })
  }
  if (errors.length > 0) throw new DiagnosticsError(errors.map(diagnosticInPulumiWords))
}
