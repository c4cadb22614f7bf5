import type { ErrorCode } from '../core/error-catalogue.ts'
import { EngineError } from '../core/errors.ts'

/** Which error a malformed block is, by what was looked for. */
const codes: Readonly<Record<string, ErrorCode>> = {
  CERTIFICATE: 'certificate_invalid',
  'CERTIFICATE REQUEST': 'csr_invalid',
  'PRIVATE KEY': 'key_refused',
}

/** OpenSSL's older label for the same thing (RFC 7468 §7). */
const aliases: Readonly<Record<string, string>> = { 'NEW CERTIFICATE REQUEST': 'CERTIFICATE REQUEST' }

/** Strict PEM (RFC 7468 §3): lines of 64, ends with a line feed. */
export function toPem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.length).toString('base64')
  const lines = base64.match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/**
 * The contents of every block with this label, in order, at least one. Text and blocks with other labels around them
 * are skipped (RFC 7468 §2). Errors name the line, and the position when `file` is given: `certificate_invalid`,
 * `csr_invalid` or `key_refused`, by label.
 */
export function fromPem(text: string, label: string, file?: string): Uint8Array[] {
  const fail = (what: string, line: number, remedy: string): EngineError =>
    new EngineError(codes[label] ?? 'certificate_invalid', line === 0 ? what : `${what} at line ${line}`, {
      remedy,
      position: file === undefined ? undefined : { file, line: Math.max(line, 1), column: 1 },
    })

  const found: Uint8Array[] = []
  const others = new Set<string>()
  let open: { readonly label: string; readonly line: number; base64: string } | undefined
  let number = 0
  for (const raw of text.split(/\r\n|\n|\r/)) {
    number++
    const line = raw.trim()
    const border = /^-----(BEGIN|END) ([^-]*(?:-[^-]+)*)-----$/.exec(line)
    const name = border?.[2] === undefined ? undefined : (aliases[border[2]] ?? border[2])
    if (name === undefined) {
      if (open?.label !== label) continue
      if (!/^[A-Za-z0-9+/]*={0,2}$/.test(line)) {
        throw fail(`the ${label} block holds something that is not base64`, number, 'copy the block again, unchanged')
      }
      open.base64 += line
    } else if (border?.[1] === 'BEGIN') {
      if (open) throw fail(`the ${open.label} block that begins at line ${open.line} has no end`, number, endRemedy)
      if (name !== label) others.add(name)
      open = { label: name, line: number, base64: '' }
    } else {
      if (open?.label !== name) throw fail(`a ${name} block ends that did not begin`, number, endRemedy)
      if (name === label) {
        if (open.base64 === '' || open.base64.length % 4 !== 0 || /=[^=]/.test(open.base64)) {
          throw fail(`the ${label} block is cut short`, open.line, 'copy the block again, unchanged')
        }
        found.push(new Uint8Array(Buffer.from(open.base64, 'base64')))
      }
      open = undefined
    }
  }
  if (open) throw fail(`the ${open.label} block has no end`, open.line, endRemedy)
  if (found.length === 0) {
    const seen = others.size === 0 ? 'there is no PEM block at all' : `there is only ${[...others].join(', ')}`
    throw fail(`no ${label} block: ${seen}`, 0, `give text with -----BEGIN ${label}----- and -----END ${label}-----`)
  }
  return found
}

const endRemedy = 'give each block its BEGIN and END line'
