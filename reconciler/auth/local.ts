import type { IncomingHttpHeaders } from 'node:http'

/** As far as a request tells where it comes from. */
interface Origin {
  readonly remoteAddress: string | undefined
  readonly headers: IncomingHttpHeaders
}

const loopbackHosts: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])
const forwarding = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'] as const

/**
 * Whether somebody on this machine asks us directly. A proxy on this machine would lend its own address to the whole
 * world, so its marks end it, as does a public URL that is another host's; and the `Host` must be a loopback name, so
 * that a web page whose name was bound anew to 127.0.0.1 sees nothing.
 */
export function isLocal({ remoteAddress = '', headers }: Origin, publicUrl: string | undefined): boolean {
  const address = remoteAddress.replace(/^::ffff:/, '')
  if (!address.startsWith('127.') && address !== '::1') return false
  if (forwarding.some(name => headers[name] !== undefined)) return false
  if (publicUrl !== undefined && !loopbackHosts.has(new URL(publicUrl).hostname)) return false
  return loopbackHosts.has((headers.host ?? '').replace(/:\d+$/, ''))
}
