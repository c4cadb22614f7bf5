/** The plainest form of `validate`: files and folders, nothing else. */
export interface QuickValidation {
  readonly file: readonly string[]
}

/**
 * Editors and hooks run `validate -f FILE` all the time, and reading a command line in general costs a third of it.
 * Undefined for anything but that form, which the program then reads.
 */
export function quickValidation(argv: readonly string[]): QuickValidation | undefined {
  const [command, ...rest] = argv
  if (command !== 'validate' || rest.length === 0 || rest.length % 2 !== 0) return undefined
  const file: string[] = []
  for (let at = 0; at < rest.length; at += 2) {
    const [option, value] = [rest[at], rest[at + 1]]
    if (option !== '-f' || value === undefined || value.startsWith('-')) return undefined
    file.push(value)
  }
  return { file }
}
