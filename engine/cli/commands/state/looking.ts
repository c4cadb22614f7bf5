import {
  DiagnosticsError,
  EngineError,
  formatAddress,
  type HistoryEntry,
  parseAddress,
  visible,
} from '../../../index.ts'
import type { Context, Define } from '../../context.ts'
import { exit } from '../../io.ts'
import { objectJson, withoutFingerprints } from '../../object-json.ts'
import { table } from '../../table.ts'
import { withState } from '../../with-engine.ts'

interface Json {
  readonly json?: boolean
}

/** Commands that only look. */
export const defineLooking: Define = (command, action) => {
  command
    .command('list')
    .description('what is recorded')
    .option('--json', 'print an array of objects')
    .action(action(list))
  command
    .command('show')
    .description('one recorded object as JSON')
    .argument('<address>', 'Kind/name')
    .action(action(show))
  command
    .command('history')
    .description('every change, the newest last')
    .argument('[address]', 'only of this object')
    .option('--limit <n>', 'only the newest so many', limit)
    .option('--json', 'print an array of changes with what was before and after')
    .action(action(history))
  command
    .command('verify')
    .description('check the state and that every secret in it can be opened')
    .action(action(verify))
}

async function list(context: Context, { json }: Json): Promise<number> {
  const { serial, lineage, resources } = await withState(context, engine => engine.snapshot())
  const { stdout, stderr } = context.io
  if (json) {
    const rows = resources.map(({ address, id, owner, revision, updatedAt }) => ({
      address,
      id,
      owner,
      revision,
      updatedAt,
    }))
    stdout.write(`${JSON.stringify(rows, null, 2)}\n`)
    return exit.done
  }
  stderr.write(lineage === '' ? 'nothing is recorded yet\n' : `serial ${serial} of lineage ${visible(lineage)}\n`)
  const rows = resources.map(each => [each.address, each.id, visible(each.owner), String(each.revision)])
  if (rows.length > 0) stdout.write(table(['address', 'id', 'owner', 'revision'], rows))
  return exit.done
}

async function show(context: Context, address: string): Promise<number> {
  const { kind, name } = parseAddress(address)
  const object = await withState(context, engine => engine.get(formatAddress(kind, name)))
  context.io.stdout.write(`${JSON.stringify(objectJson(object), null, 2)}\n`)
  return exit.done
}

async function history(
  context: Context,
  address: string | undefined,
  options: Json & { readonly limit?: number },
): Promise<number> {
  const { kind, name } = address === undefined ? { kind: '', name: '' } : parseAddress(address)
  const all = await withState(context, engine =>
    engine.history(address === undefined ? {} : { address: formatAddress(kind, name) }),
  )
  const entries = options.limit === undefined ? all : all.slice(-options.limit)
  const { stdout, stderr } = context.io
  if (options.json) stdout.write(`${JSON.stringify(entries.map(entryJson), null, 2)}\n`)
  else if (entries.length === 0) stderr.write('no change is recorded\n')
  else stdout.write(table(['serial', 'at', 'who', 'change', 'address', 'id'], entries.map(entryRow)))
  return exit.done
}

function entryRow({ serial, at, actor, address, before, after }: HistoryEntry): readonly string[] {
  const change = before === null ? 'created' : after === null ? 'removed' : 'changed'
  return [String(serial), at, visible(actor), change, address, (after ?? before)?.id ?? '']
}

function entryJson({ before, after, ...entry }: HistoryEntry) {
  const shown = (object: HistoryEntry['before']) => object && { ...object, spec: withoutFingerprints(object.spec) }
  return { ...entry, before: shown(before), after: shown(after) }
}

async function verify(context: Context): Promise<number> {
  const problems = await withState(context, engine => engine.verify())
  if (problems.length > 0) {
    throw new DiagnosticsError(
      problems.map(message => ({
        severity: 'error',
        code: 'state_corrupt',
        message,
        remedy: 'restore the state from a backup',
      })),
    )
  }
  context.io.stdout.write('the state is sound\n')
  return exit.done
}

function limit(text: string): number {
  const number = Number(text)
  if (Number.isInteger(number) && number > 0) return number
  throw new EngineError('usage', `--limit ${text} is not a number above 0`, { remedy: 'use for example 20' })
}
