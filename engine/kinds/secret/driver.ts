import type { SecretSpec } from '../../../schemas/generated/types.ts'
import type { Driver, Finding, Operation, Outcome, Subject, World } from '../driver.ts'
import { specOf } from '../spec.ts'

/** A stored secret: its values are sealed with the resource; only their names are told. */
export const driver: Driver = {
  kind: 'Secret',
  idPrefix: 'sec',
  guarded: false,
  surveys: ['Secret'],
  check: pathIsOurs,
  fate: () => 'its values are destroyed',
  create: store,
  update: store,
  delete: async () => ({}),
}

async function store(operation: Operation): Promise<Outcome> {
  const { path, data } = specOf<SecretSpec>(operation)
  return { status: { path, fields: Object.keys(data).toSorted() } }
}

/** References name a path, so two secrets at one path would be ambiguous. */
function pathIsOurs(subject: Subject, world: World): readonly Finding[] {
  const { path } = specOf<SecretSpec>(subject)
  const other = holdersOf(world)
    .get(path)
    ?.find(each => each.address !== subject.address)
  if (!other) return []
  return [
    {
      check: 'secret-path',
      level: 'error',
      code: 'reference_ambiguous',
      message: `${other.address} already holds the path ${path}`,
      remedy: 'choose another path for one of them',
      pointer: '/spec/path',
    },
  ]
}

const holders = new WeakMap<World, ReadonlyMap<string, readonly Subject[]>>()

/** Secrets that stay, by path; found once per world. */
function holdersOf(world: World): ReadonlyMap<string, readonly Subject[]> {
  const known = holders.get(world)
  if (known) return known
  const stays = world.all('Secret').filter(each => !each.going)
  const found = Map.groupBy(stays, each => specOf<SecretSpec>(each).path)
  holders.set(world, found)
  return found
}
