import { parseDuration } from '../core/duration.ts'

/**
 * What a text must be beyond its pattern, by the schema's `format`. Each answers what is wrong in words that follow
 * the field's name, or undefined.
 */
export const textFormats: Readonly<Record<string, (text: string | number) => string | undefined>> = {
  duration: text => {
    const longest = 100 * 365 * 86_400
    // Certificates end before the year 10000 (RFC 5280 §4.1.2.5.2); a century is beyond any use.
    return parseDuration(text) > longest ? 'is longer than 100 years' : undefined
  },
  ip: text => (isIP(String(text)) === 0 ? 'is not an IP address' : undefined),
  cidr: text => {
    const [address = '', prefix = ''] = String(text).split('/')
    const version = isIP(address)
    if (version === 0) return 'does not begin with an IP address'
    return Number(prefix) > (version === 4 ? 32 : 128) ? 'has too long a prefix' : undefined
  },
  uri: text => (URL.canParse(String(text)) ? undefined : 'is not a URI'),
  'host-port': text => {
    const port = Number(String(text).slice(String(text).lastIndexOf(':') + 1))
    return port < 1 || port > 65_535 ? 'has no port from 1 to 65535' : undefined
  },
  'pem-certificate': text => pemProblem(String(text), 'CERTIFICATE', 1),
  'pem-certificates': text => pemProblem(String(text), 'CERTIFICATE', Number.POSITIVE_INFINITY),
  'pem-csr': text =>
    pemProblem(String(text).replaceAll('NEW CERTIFICATE REQUEST', 'CERTIFICATE REQUEST'), 'CERTIFICATE REQUEST', 1),
}

/** 4, 6 or 0. node:net is loaded only where an address is given. */
function isIP(text: string): number {
  return process.getBuiltinModule('node:net').isIP(text)
}

/** RFC 7468 §2. What the DER inside says is the business of whoever reads it. */
function pemProblem(text: string, label: string, most: number): string | undefined {
  if (/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(text)) return 'holds a private key, which does not belong there'
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----/g)]
  const other = blocks.find(([, found]) => found !== label)
  if (other) return `holds a ${other[1]} instead of a ${label}`
  if (blocks.length === 0) return `holds no PEM block -----BEGIN ${label}-----`
  if (blocks.length > most) return `holds ${blocks.length} PEM blocks instead of one`
  return blocks.every(([, , body = '']) => /^[A-Za-z0-9+/=\s]+$/.test(body))
    ? undefined
    : 'holds a PEM block that is not base64'
}
