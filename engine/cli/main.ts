import type { Io, Overrides } from './io.ts'
import { quickValidation } from './quick-validation.ts'

/**
 * Runs one command line (without the program's own name) and answers the exit code. Nothing of the process is touched
 * but what `io` gives.
 */
export async function run(argv: readonly string[], io: Io, overrides: Overrides = {}): Promise<number> {
  const quick = quickValidation(argv)
  if (quick) {
    const { quickly } = await import('./commands/validate.ts')
    return quickly(quick, io)
  }
  const { runProgram } = await import('./program.ts')
  return runProgram(argv, io, overrides)
}
