import { EngineError } from '../core/errors.ts'
import type { OperationJournal } from '../core/journal.ts'
import type { JsonObject } from '../core/json.ts'
import type { Clock, Trace } from '../core/ports.ts'
import type { JournalStep } from '../core/resource.ts'
import type { Secret } from '../core/secret.ts'
import type { AuditAction } from '../events/audit.ts'
import type { Mutation, OpenOperation } from '../state/store.ts'
import type { Sealer } from './ports.ts'

export interface JournalPorts {
  readonly sealer: Sealer
  readonly clock: Clock
  readonly trace: Trace
  commit(mutations: readonly Mutation[]): Promise<unknown>
  /** The mutation that audits what was done outside. */
  audit(action: AuditAction, data: JsonObject): Mutation
  unseal(id: string): Promise<Secret<Uint8Array> | undefined>
}

/**
 * The journal of one operation. Its row is opened with the first intent, so that operations without an effect
 * outside (issuing by our own CA) cost no journal at all.
 */
export class DurableJournal implements OperationJournal {
  readonly #ports: JournalPorts
  readonly #operation: Omit<OpenOperation, 'steps'>
  readonly #steps: Map<string, JournalStep>
  #open: boolean
  /** Whether the store knows this attempt. */
  #begun = false

  constructor(ports: JournalPorts, operation: Omit<OpenOperation, 'steps'>, adopted?: OpenOperation) {
    this.#ports = ports
    this.#operation = operation
    this.#steps = new Map(adopted?.steps.map(step => [step.step, step]))
    this.#open = adopted !== undefined
  }

  /** Whether the store holds a row that has to be ended. */
  get isOpen(): boolean {
    return this.#open
  }

  /** The mutations of an intent, for a commit that holds more than it. */
  intention(step: string, data: JsonObject): Mutation[] {
    const row: JournalStep = { step, state: 'intended', data, sealed: {}, at: this.#ports.clock.now().toISOString() }
    const begin = this.#beginning()
    this.#open = true
    this.#begun = true
    this.#steps.set(step, row)
    return [...begin, { type: 'put-step', operationId: this.#operation.id, step: row }]
  }

  /** The mutations by which the journal lets go of its secrets, because they are kept elsewhere from now on. */
  surrender(): Mutation[] {
    return [...this.#steps.values()].flatMap(row => {
      const ids = Object.values(row.sealed)
      if (ids.length === 0) return []
      const step = { ...row, sealed: {} }
      this.#steps.set(row.step, step)
      return [
        { type: 'put-step' as const, operationId: this.#operation.id, step },
        ...ids.map(id => ({ type: 'delete-sealed' as const, id })),
      ]
    })
  }

  /** The mutations that close this journal; none when it was never opened. */
  ending(outcome: 'done' | 'abandoned'): Mutation[] {
    return this.#open ? [{ type: 'end-operation', operationId: this.#operation.id, outcome }] : []
  }

  recall(step: string): JournalStep | undefined {
    return this.#steps.get(step)
  }

  steps(): readonly JournalStep[] {
    return [...this.#steps.values()]
  }

  async intend(step: string, data: JsonObject, secrets: Readonly<Record<string, Secret<Uint8Array>>> = {}) {
    const sealed: Record<string, string> = {}
    const mutations = this.#beginning()
    for (const [name, secret] of Object.entries(secrets)) {
      const id = `${this.#operation.id}/${step}/${name}`
      mutations.push({ type: 'put-sealed', row: { id, ...this.#ports.sealer.seal(id, secret) } })
      sealed[name] = id
    }
    await this.#put({ step, state: 'intended', data, sealed, at: this.#ports.clock.now().toISOString() }, mutations)
  }

  async complete(step: string, data: JsonObject = {}) {
    const known = this.#steps.get(step)
    if (!known) throw new Error(`journal step "${step}" is completed without having been intended`)
    const at = this.#ports.clock.now().toISOString()
    const done: JournalStep = { ...known, state: 'done', data: { ...known.data, ...data }, at }
    await this.#put(done, [...this.#beginning(), ...this.#audited(done)])
  }

  async note(action: 'acme_challenge_complete', facts: readonly JsonObject[]) {
    await this.#ports.trace.span('journal.note', { address: this.#operation.address }, () =>
      this.#ports.commit(facts.map(fact => this.#ports.audit(action, fact))),
    )
  }

  /** TXT records are what an operation writes and removes at others' servers; the value itself is of no interest. */
  #audited({ step, data: { provider, zone, name, removed } }: JournalStep): Mutation[] {
    if (!step.startsWith('txt:')) return []
    const action = removed === true ? 'dns_record_delete' : 'dns_record_create'
    return [this.#ports.audit(action, { type: 'TXT', provider, zone, name })]
  }

  async secret(step: string, name: string): Promise<Secret<Uint8Array> | undefined> {
    const id = this.#steps.get(step)?.sealed[name]
    if (id === undefined) return undefined
    const secret = await this.#ports.unseal(id)
    if (!secret) throw new EngineError('secret_corrupt', `the journal's sealed row ${id} is missing`)
    return secret
  }

  async #put(step: JournalStep, before: readonly Mutation[]): Promise<void> {
    const mutation: Mutation = { type: 'put-step', operationId: this.#operation.id, step }
    const name = `journal.${step.step.split(':')[0]}.${step.state}`
    await this.#ports.trace.span(name, { address: this.#operation.address }, () =>
      this.#ports.commit([...before, mutation]),
    )
    this.#open = true
    this.#begun = true
    this.#steps.set(step.step, step)
  }

  /** Opens the row; for an adopted one its next attempt is told with the first thing that it writes. */
  #beginning(): Mutation[] {
    return this.#begun ? [] : [{ type: 'begin-operation', operation: this.#operation }]
  }
}
