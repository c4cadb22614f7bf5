import { EngineError, parseDuration, visible } from '../../index.ts'
import type { Context, Define } from '../context.ts'
import { exit } from '../io.ts'
import { table } from '../table.ts'
import { withState } from '../with-engine.ts'

interface Options {
  readonly since?: string
  readonly action?: string
  readonly json?: boolean
}

/** `trustform audit`: who did what. */
export const define: Define = (command, action) => {
  command
    .option('--since <time>', 'only from a time on (2026-11-21, 2026-11-21T12:00:00Z), or of the last 24h, 7d, …')
    .option('--action <name>', 'only this action, for example certificate_issue')
    .option('--json', 'print an array of entries')
    .action(action(show))
  command
    .command('verify')
    .description('recompute the chain of hashes; names the first entry that was changed or removed')
    .action(action(verify))
}

async function show(context: Context, { since, action, json }: Options): Promise<number> {
  const now = context.overrides.clock?.now() ?? new Date()
  const entries = await withState(context, engine =>
    engine.audit({
      ...(since !== undefined && { since: instantOf(since, now) }),
      ...(action !== undefined && { action }),
    }),
  )
  const { stdout, stderr } = context.io
  if (json)
    stdout.write(
      `${JSON.stringify(
        entries.map(({ log: _log, type, ...entry }) => ({ action: type, ...entry })),
        null,
        2,
      )}\n`,
    )
  else if (entries.length === 0) stderr.write('nothing was done\n')
  else {
    const rows = entries.map(({ sequence, at, actor, type, subject }) => [
      String(sequence),
      at,
      visible(actor),
      type,
      visible(subject),
    ])
    stdout.write(table(['entry', 'at', 'who', 'action', 'subject'], rows))
  }
  return exit.done
}

async function verify(context: Context): Promise<number> {
  const { entries, head, broken } = await withState(context, engine => engine.verifyAudit())
  if (broken) {
    throw new EngineError('state_corrupt', `the audit log is broken at entry ${broken.sequence}: ${broken.reason}`, {
      remedy: 'compare it with a backup: what comes before that entry is whole',
    })
  }
  context.io.stdout.write(
    entries === 0 ? 'the audit log is empty\n' : `${entries} entries, unbroken; the last is ${head}\n`,
  )
  return exit.done
}

/** An instant, or how long ago it is. */
function instantOf(text: string, now: Date): string {
  try {
    const instant = /^\d{4}-/.test(text) ? new Date(text) : new Date(now.getTime() - parseDuration(text) * 1000)
    return instant.toISOString()
  } catch (error) {
    throw new EngineError('usage', `--since ${text} is neither a time nor a duration`, {
      remedy: 'use for example 2026-11-21, 2026-11-21T12:00:00Z or 24h',
      cause: error,
    })
  }
}
