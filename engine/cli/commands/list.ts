import { kinds } from '../../../schemas/generated/catalogue.ts'
import { EngineError, type ListedObject, parseDuration, visible } from '../../index.ts'
import type { Context, Define } from '../context.ts'
import { fromNow } from '../expiry.ts'
import { exit } from '../io.ts'
import { stateUrl } from '../settings.ts'
import { table } from '../table.ts'
import { withState } from '../with-engine.ts'

interface Options {
  readonly expiringWithin?: string
  readonly json?: boolean
}

export const define: Define = (command, action) => {
  command
    .argument('[kind]', 'only this kind')
    .option('--expiring-within <duration>', 'only certificates that end within 30d, 720h, …, or have ended')
    .option('--json', 'print an array of objects')
    .action(action(list))
}

async function list(context: Context, kind: string | undefined, options: Options): Promise<number> {
  const { io, overrides } = context
  if (kind !== undefined) assertKind(kind)
  const filter = {
    ...(kind !== undefined && { kind }),
    ...(options.expiringWithin !== undefined && { expiringWithin: seconds(options.expiringWithin) }),
  }
  const objects = await withState(context, engine => engine.list(filter))
  if (options.json) io.stdout.write(`${JSON.stringify(objects.map(jsonOf), null, 2)}\n`)
  else if (objects.length === 0) io.stderr.write(`${emptyWords(context, Object.keys(filter).length > 0)}\n`)
  else io.stdout.write(tableOf(objects, overrides.clock?.now() ?? new Date()))
  return exit.done
}

/** Every object has the same fields, so that a script need not ask whether there is a certificate. */
function jsonOf({ notBefore = null, notAfter = null, serial = null, ...object }: Nullable) {
  const { address, kind, name, owner, ...rest } = object
  return { address, kind, name, owner, notAfter, notBefore, serial, ...rest }
}

type Nullable = Omit<ListedObject, 'notBefore' | 'notAfter' | 'serial'> & {
  readonly [field in 'notBefore' | 'notAfter' | 'serial']?: string | null
}

function tableOf(objects: readonly ListedObject[], now: Date): string {
  return table(
    ['address', 'owner', 'expires', 'not after'],
    objects.map(({ address, owner, notAfter }) => [
      address,
      visible(owner),
      notAfter === undefined ? '-' : fromNow(notAfter, now),
      notAfter === undefined ? '-' : notAfter.replace(/:\d\d(\.\d+)?Z$/, 'Z').replace('T', ' '),
    ]),
  )
}

/** Names the state: in another folder it is another one, and an empty list may only mean that. */
function emptyWords(context: Context, filtered: boolean): string {
  const state = visible(stateUrl(context.options, context.io))
  return filtered ? `nothing that matches is recorded in ${state}` : `nothing is recorded in ${state}`
}

function assertKind(kind: string): void {
  if (kinds.some(known => known === kind)) return
  const meant = kinds.find(known => known.toLowerCase() === kind.toLowerCase().replace(/s$/, ''))
  throw new EngineError('kind_unknown', `there is no kind "${visible(kind)}"`, {
    remedy: meant ? `did you mean "${meant}"?` : `use one of ${kinds.join(', ')}`,
  })
}

function seconds(text: string): number {
  try {
    return parseDuration(text)
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    throw new EngineError('usage', `--expiring-within: ${error.message}`, { remedy: error.remedy })
  }
}
