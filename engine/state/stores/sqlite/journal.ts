import { EngineError } from '../../../core/errors.ts'
import type { JournalStep } from '../../../core/resource.ts'
import type { OpenOperation } from '../../store.ts'
import { query, type Runner, template } from './query.ts'
import { operationFrom, stepFrom } from './rows.ts'

const readOpenOperations = template<{ tenant: string }>()(slot =>
  query
    .selectFrom('operation')
    .select(['id', 'address', 'action', 'input_hash', 'attempt', 'epoch', 'started_at'])
    .where('tenant', '=', slot.tenant)
    .where('outcome', 'is', null)
    .orderBy('seq'),
)

const readOperation = template<{ tenant: string; id: string }>()(slot =>
  query
    .selectFrom('operation')
    .select(['address', 'attempt', 'outcome'])
    .where('tenant', '=', slot.tenant)
    .where('id', '=', slot.id),
)

interface OperationInput {
  [column: string]: string | number
  tenant: string
  id: string
  action: string
  input_hash: string
  attempt: number
  epoch: number
  started_at: string
}

const insertOperation = template<OperationInput & { address: string }>()(slot =>
  query.insertInto('operation').values({
    tenant: slot.tenant,
    id: slot.id,
    address: slot.address,
    action: slot.action,
    input_hash: slot.input_hash,
    attempt: slot.attempt,
    epoch: slot.epoch,
    started_at: slot.started_at,
    outcome: null,
  }),
)

const continueOperation = template<OperationInput>()(slot =>
  query
    .updateTable('operation')
    .set({
      action: slot.action,
      input_hash: slot.input_hash,
      attempt: slot.attempt,
      epoch: slot.epoch,
      started_at: slot.started_at,
    })
    .where('tenant', '=', slot.tenant)
    .where('id', '=', slot.id),
)

const endOperation = template<{ tenant: string; id: string; outcome: string }>()(slot =>
  query
    .updateTable('operation')
    .set({ outcome: slot.outcome })
    .where('tenant', '=', slot.tenant)
    .where('id', '=', slot.id)
    .where('outcome', 'is', null),
)

const readEnded = template<{ tenant: string; before: string; most: number }>()(slot =>
  query
    .selectFrom('operation')
    .select('id')
    .where('tenant', '=', slot.tenant)
    .where('outcome', 'is not', null)
    .where('started_at', '<', slot.before)
    .orderBy('seq')
    .limit(slot.most),
)

const removeOperation = template<{ tenant: string; id: string }>()(slot =>
  query.deleteFrom('operation').where('tenant', '=', slot.tenant).where('id', '=', slot.id),
)

const removeSteps = template<{ tenant: string; id: string }>()(slot =>
  query.deleteFrom('step').where('tenant', '=', slot.tenant).where('operation_id', '=', slot.id),
)

const readSteps = template<{ tenant: string; operation: string }>()(slot =>
  query
    .selectFrom('step')
    .select(['step', 'state', 'data', 'sealed', 'at'])
    .where('tenant', '=', slot.tenant)
    .where('operation_id', '=', slot.operation)
    .orderBy('seq'),
)

const putStep = template<{
  tenant: string
  operation: string
  step: string
  state: string
  data: string
  sealed: string
  at: string
}>()(slot =>
  query
    .insertInto('step')
    .values({
      tenant: slot.tenant,
      operation_id: slot.operation,
      step: slot.step,
      state: slot.state,
      data: slot.data,
      sealed: slot.sealed,
      at: slot.at,
    })
    .onConflict(conflict =>
      conflict
        .columns(['tenant', 'operation_id', 'step'])
        .doUpdateSet({ state: slot.state, data: slot.data, sealed: slot.sealed, at: slot.at }),
    ),
)

/** Open operations in the order in which they began, each with its steps in the order of their first intent. */
export function openOperations(runner: Runner, tenant: string): OpenOperation[] {
  return runner
    .all(readOpenOperations, { tenant })
    .map(row => operationFrom(row, runner.all(readSteps, { tenant, operation: row.id }).map(stepFrom)))
}

export function beginOperation(runner: Runner, tenant: string, operation: Omit<OpenOperation, 'steps'>): void {
  const { id, address, action, inputHash, attempt, epoch, startedAt } = operation
  const input = { tenant, id, action, input_hash: inputHash, attempt, epoch, started_at: startedAt }
  const known = runner.get(readOperation, { tenant, id })
  if (known === undefined) {
    runner.run(insertOperation, { ...input, address })
    return
  }
  if (known.outcome !== null || known.attempt >= attempt || known.address !== address) {
    throw new EngineError('state_conflict', `operation ${id} on ${known.address} was begun by someone else`, {
      remedy: 'plan again',
      address: known.address,
    })
  }
  runner.run(continueOperation, input)
}

export function writeStep(runner: Runner, tenant: string, operationId: string, step: JournalStep): void {
  expectOpen(runner, tenant, operationId)
  runner.run(putStep, {
    tenant,
    operation: operationId,
    step: step.step,
    state: step.state,
    data: JSON.stringify(step.data),
    sealed: JSON.stringify(step.sealed),
    at: step.at,
  })
}

export function finishOperation(runner: Runner, tenant: string, id: string, outcome: string): void {
  expectOpen(runner, tenant, id)
  runner.run(endOperation, { tenant, id, outcome })
}

/** Sealed rows that their steps name stay: what became of those was decided when the operation ended. */
export function trimOperations(runner: Runner, tenant: string, before: string, most: number): void {
  for (const { id } of runner.all(readEnded, { tenant, before, most })) {
    runner.run(removeSteps, { tenant, id })
    runner.run(removeOperation, { tenant, id })
  }
}

function expectOpen(runner: Runner, tenant: string, id: string): void {
  if (runner.get(readOperation, { tenant, id })?.outcome === null) return
  throw new EngineError('state_conflict', `operation ${id} is not open`, { remedy: 'plan again' })
}
