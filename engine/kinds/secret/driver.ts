import type { SecretSpec } from '../../../schemas/generated/types.ts'
import type { Driver, Finding, Operation, Outcome, Subject, World } from '../driver.ts'
import { specOf } from '../spec.ts'

/** A stored secret: its values are sealed with the resource; only their names are told. */
export const driver: Driver = {
  kind: 'Secret',
  idPrefix: 'sec',
  guarded: false,
  check: pathIsOurs,
  create: store,
  update: store,
  delete: async () => ({}),
}

async function store(operation: Operation): Promise<Outcome> {
  const { path, data } = specOf<SecretSpec>(operation)
  return { status: { path, fields: Object.keys(data) } }
}

/** References name a path, so two secrets at one path would be ambiguous. */
function pathIsOurs(subject: Subject, world: World): readonly Finding[] {
  const { path } = specOf<SecretSpec>(subject)
  const other = world
    .all('Secret')
    .find(each => each.address !== subject.address && specOf<SecretSpec>(each).path === path && stays(each))
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

const stays = (subject: Subject) => subject.planned?.action !== 'delete'
