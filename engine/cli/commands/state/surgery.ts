import { type Address, EngineError, formatAddress, type LockedEngine, parseAddress } from '../../../index.ts'
import type { Context, Define } from '../../context.ts'
import { interrupts } from '../../interrupts.ts'
import { exit } from '../../io.ts'
import { waitWords } from '../../run-report.ts'
import { withEngine } from '../../with-engine.ts'

/** Commands that change what is believed, and nothing outside. */
export const defineSurgery: Define = (command, action) => {
  command
    .command('rollback')
    .description('bring the recorded state back to an earlier serial, as a new one')
    .argument('<serial>', 'from `state history`')
    .action(
      action((context, serial: string) =>
        locked(context, 'state rollback', async engine => {
          const { serial: now } = await engine.rollBack(number(serial))
          return `rolled back to serial ${serial}, as serial ${now}`
        }),
      ),
    )
  command
    .command('mv')
    .description('rename an object without touching it')
    .argument('<from>', 'Kind/name')
    .argument('<to>', 'Kind/name')
    .action(
      action((context, from: string, to: string) =>
        locked(context, 'state mv', async engine => {
          await engine.move(address(from), address(to))
          return `moved ${from} to ${to}`
        }),
      ),
    )
  command
    .command('rm')
    .description('forget an object; it stays as it is outside')
    .argument('<address>', 'Kind/name')
    .action(
      action((context, gone: string) =>
        locked(context, 'state rm', async engine => {
          await engine.forget(address(gone))
          return `forgot ${gone}; \`trustform state import ${gone} ID\` takes it back`
        }),
      ),
    )
  command
    .command('import')
    .description('take an object that was forgotten under management again')
    .argument('<address>', 'Kind/name')
    .argument('<id>', 'its id, from `state history`')
    .action(
      action((context, taken: string, id: string) =>
        locked(context, 'state import', async engine => {
          await engine.import(address(taken), id)
          return `imported ${id} as ${taken}`
        }),
      ),
    )
}

async function locked(
  context: Context,
  operation: string,
  work: (engine: LockedEngine) => Promise<string>,
): Promise<number> {
  const stopping = interrupts(context.io)
  try {
    const said = await withEngine(context, engine =>
      engine.locked(
        operation,
        { signal: stopping.drain, onWait: lease => context.io.stderr.write(waitWords(lease)) },
        work,
      ),
    )
    context.io.stderr.write(`${said}\n`)
    return exit.done
  } finally {
    stopping.stop()
  }
}

function address(text: string): Address {
  const { kind, name } = parseAddress(text)
  return formatAddress(kind, name)
}

function number(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new EngineError('usage', `"${text}" is not a serial`, { remedy: '`trustform state history` shows them' })
}
