import { readFile } from 'node:fs/promises'
import { EngineError, visible } from '../../../index.ts'
import type { Context, Define } from '../../context.ts'
import { exit } from '../../io.ts'
import { writePrivate } from '../../output-file.ts'
import { stateUrl } from '../../settings.ts'
import { withEngine, withState } from '../../with-engine.ts'

/** Commands that move the state as a whole, and its keys and lock. */
export const defineMoving: Define = (command, action) => {
  command
    .command('export')
    .description('the whole state as one document; secrets in it stay encrypted with the master key')
    .option('--out <file>', 'write to a file (0600) instead of stdout')
    .action(action(exportState))
  command
    .command('restore')
    .description('write an exported state into a store that does not have it (--state)')
    .argument('<file>', 'from `state export`')
    .action(action(restore))
  command
    .command('copy')
    .description('copy a state into a store that does not have it')
    .requiredOption('--from <url>', 'where it is')
    .requiredOption('--to <url>', 'where it goes')
    .action(action(copy))
  command.command('rotate-key').description('encrypt everything anew with a new data key').action(action(rotateKey))
  command
    .command('unlock')
    .description('end a lock whose holder is gone; locks of dead processes end by themselves')
    .action(action(unlock))
}

async function exportState(context: Context, { out }: { readonly out?: string }): Promise<number> {
  const text = await withState(context, engine => engine.exportState())
  if (out === undefined) context.io.stdout.write(text)
  else await writePrivate(out, text)
  return exit.done
}

async function restore(context: Context, file: string): Promise<number> {
  const text = await readFile(file, 'utf8').catch(cause => {
    throw new EngineError('input_unreadable', `cannot read ${file}`, { remedy: 'check the path', cause })
  })
  const tenant = await withEngine(context, engine => engine.importState(text))
  const state = visible(stateUrl(context.options, context.io))
  context.io.stderr.write(`restored ${visible(tenant)} into ${state}; \`trustform state verify\` checks it\n`)
  return exit.done
}

async function copy(context: Context, { from, to }: { readonly from: string; readonly to: string }): Promise<number> {
  if (from === to) {
    throw new EngineError('usage', '--from and --to are the same state', { remedy: 'name two different ones' })
  }
  const tenants = await withState(context, engine => engine.copyTo(to), { state: from })
  context.io.stderr.write(`copied ${tenants.map(visible).join(', ')}; use it with --state or TRUSTFORM_STATE\n`)
  return exit.done
}

async function rotateKey(context: Context): Promise<number> {
  const rotated = await withState(context, engine => engine.rotateKey())
  const said = rotated
    ? `data key version ${rotated.version}; ${rotated.resealed} secrets encrypted anew`
    : `nothing is encrypted in ${stateUrl(context.options, context.io)} yet`
  context.io.stderr.write(`${said}\n`)
  return exit.done
}

async function unlock(context: Context): Promise<number> {
  const broken = await withState(context, engine => engine.unlock())
  const { holder } = broken ?? {}
  const said = holder
    ? `ended the lock of \`${visible(holder.operation)}\` (process ${holder.pid} on ${visible(holder.host)})`
    : 'the state is not locked'
  context.io.stderr.write(`${said}\n`)
  return exit.done
}
