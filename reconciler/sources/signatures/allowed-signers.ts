import { EngineError } from '../../../engine/index.ts'
import { readSshKey } from './ssh-key.ts'

/** One line of an allowed signers file, ssh-keygen(1) "ALLOWED SIGNERS". */
export interface AllowedSigner {
  readonly principals: string
  /** The key's blob in base64. */
  readonly key: string
  readonly validAfter?: Date
  readonly validBefore?: Date
}

/** One field, in which quotes keep spaces. */
const field = /^((?:[^\s"]|"[^"]*")+)(?:\s+|$)/

/** One option with its value. */
const option = /^(?<name>[a-z-]+)(?:="(?<value>[^"]*)")?(?:,|$)/i

/**
 * Reads the lines whose keys may sign commits. What is not understood is refused with its line, never skipped: a
 * signer that silently has no effect locks people out, an option that has none lets too much in. Times without `Z`
 * are taken as UTC, as a service has no local time.
 */
export function parseAllowedSigners(text: string): readonly AllowedSigner[] {
  const signers = text.split(/\r?\n/).flatMap((line, index) => {
    const content = line.trim()
    return content === '' || content.startsWith('#') ? [] : parseLine(content, index + 1)
  })
  if (signers.length > 0) return signers
  throw wrong('no line of the allowed signers names a key for git')
}

function parseLine(line: string, number: number): AllowedSigner[] {
  const fields: string[] = []
  for (let rest = line; rest !== ''; ) {
    const found = field.exec(rest)
    if (found === null) throw wrong(`line ${number} of the allowed signers has a quote without an end`)
    fields.push(found[1] ?? '')
    rest = rest.slice(found[0].length)
  }
  const [principals = '', second = '', third = '', fourth = ''] = fields
  const hasOptions = readable(third, fourth)
  const [type, base64] = hasOptions ? [third, fourth] : [second, third]
  const key = readable(type, base64)
  if (!key) throw wrong(`line ${number} of the allowed signers has no key of a known type with enough bits`)
  const options = hasOptions ? parseOptions(second, number) : new Map<string, string>()
  const namespaces = options.get('namespaces')
  if (namespaces !== undefined && !listMatches(namespaces, 'git')) return []
  const after = options.get('valid-after')
  const before = options.get('valid-before')
  return [
    {
      principals: principals.replaceAll('"', ''),
      key,
      ...(after !== undefined && { validAfter: parseTime(after, number) }),
      ...(before !== undefined && { validBefore: parseTime(before, number) }),
    },
  ]
}

/** The key's blob in one spelling of base64, where it is a key of this type. */
function readable(type: string, base64: string): string | undefined {
  const blob = Buffer.from(base64, 'base64')
  return readSshKey(blob)?.type === type ? blob.toString('base64') : undefined
}

function parseOptions(text: string, number: number): ReadonlyMap<string, string> {
  const options = new Map<string, string>()
  for (let rest = text; rest !== ''; ) {
    const found = option.exec(rest)
    const name = found?.groups?.name?.toLowerCase() ?? ''
    const value = found?.groups?.value
    if (!found || value === undefined || !['namespaces', 'valid-after', 'valid-before'].includes(name)) {
      const what = name === 'cert-authority' ? 'cert-authority, and keys signed by an authority' : `"${rest}", which`
      throw wrong(`line ${number} of the allowed signers has ${what} are not understood here`)
    }
    options.set(name, value)
    rest = rest.slice(found[0].length)
  }
  return options
}

/** `YYYYMMDD[HHMM[SS]][Z]`. */
function parseTime(text: string, number: number): Date {
  const [, year, month, day, hour = '00', minute = '00', second = '00'] =
    /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?Z?$/.exec(text) ?? []
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  if (Number.isNaN(time.getTime())) throw wrong(`line ${number} of the allowed signers has a malformed time`)
  return time
}

/** ssh_config(5) "PATTERNS": a list with `*`, `?`, and `!` for what is excluded. */
function listMatches(list: string, text: string): boolean {
  const patterns = list.split(',').map(each => each.trim())
  const fits = (pattern: string) =>
    new RegExp(
      `^${pattern
        .replace(/[.+^${}()|[\]\\]/g, '\\$&')
        .replaceAll('*', '.*')
        .replaceAll('?', '.')}$`,
    ).test(text)
  if (patterns.some(pattern => pattern.startsWith('!') && fits(pattern.slice(1)))) return false
  return patterns.some(pattern => !pattern.startsWith('!') && fits(pattern))
}

function wrong(message: string): EngineError {
  return new EngineError('schema_violation', message, {
    remedy: 'write lines as in gpg.ssh.allowedSignersFile: PRINCIPALS [namespaces="git"] KEYTYPE KEY',
  })
}
