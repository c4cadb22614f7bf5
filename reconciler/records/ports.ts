import type { Clock, Mutation, Random, StateStore } from '../../engine/index.ts'

/** What writing records takes. */
export interface WritingPorts {
  readonly store: StateStore
  readonly clock: Clock
}

/** What the records' side of the service stands on. */
export interface RecordPorts extends WritingPorts {
  readonly random: Random
}

/** Everything that one action brings, in one commit: the records, what is audited, what is told, the jobs. */
export async function commit(
  { store, clock }: WritingPorts,
  tenant: string,
  actor: string,
  mutations: (at: string) => readonly Mutation[],
): Promise<void> {
  const at = clock.now().toISOString()
  await store.commit(tenant, { mutations: mutations(at), actor, at })
}
