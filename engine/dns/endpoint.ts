import { isIP } from 'node:net'
import { EngineError } from '../core/errors.ts'

/** Where a DNS server listens. `host` is an IP address or a name that must be looked up first. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** Reads `host`, `host:port`, `[v6]:port` or a bare IPv6 address. Throws `schema_violation`. */
export function parseEndpoint(text: string): Endpoint {
  if (isIP(text) === 6) return { host: text, port: 53 }
  const parts = /^(?:\[([^\]]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(text)
  const host = parts?.[1] ?? parts?.[2]
  const port = parts?.[3] === undefined ? 53 : Number(parts[3])
  if (host === undefined || port < 1 || port > 65_535 || (parts?.[1] !== undefined && isIP(host) !== 6)) {
    throw new EngineError('schema_violation', `"${text}" is not the address of a DNS server`, {
      remedy: 'write host, host:port or [ipv6]:port',
    })
  }
  return { host, port }
}

export function formatEndpoint({ host, port }: Endpoint): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
}
