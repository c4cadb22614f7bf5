import { ensurePebble } from './install.ts'
import { freePort, type RunningServer, startServer } from './process.ts'

/** Pebble's small DNS server: every name is 127.0.0.1, and TXT values are set by HTTP. */
export interface RunningChallengeServer extends RunningServer {
  /** `127.0.0.1:port`, for Pebble's `dnsServer`. */
  readonly dnsServer: string
  /** Adds a value to the TXT RRset of a name without trailing dot. */
  addTxt(name: string, value: string): Promise<void>
  /** Removes all values of a name: it knows no other removal. */
  clearTxt(name: string): Promise<void>
  /** Makes a name answer SERVFAIL. */
  failName(name: string): Promise<void>
  /** Gives a name an address of its own. */
  setAddress(name: string, address: string): Promise<void>
}

export async function startChallengeServer(): Promise<RunningChallengeServer> {
  const { challtestsrv } = await ensurePebble()
  const [dns, management] = [await freePort(), await freePort()]
  const post = (path: string, body: object) =>
    fetch(`http://127.0.0.1:${management}/${path}`, { method: 'POST', body: JSON.stringify(body) })
  const command = async (path: string, body: object) => {
    const answer = await post(path, body)
    if (!answer.ok) throw new Error(`challtestsrv ${path} answered ${answer.status}`)
  }
  const server = await startServer({
    name: 'pebble-challtestsrv',
    command: challtestsrv,
    args: [
      ...['-dnsserver', `127.0.0.1:${dns}`, '-management', `127.0.0.1:${management}`, '-defaultIPv6', ''],
      ...['-http01', '', '-https01', '', '-tlsalpn01', '', '-doh', ''],
    ],
    ready: async () => (await post('clear-txt', { host: 'ready.example.' })).ok,
  })
  return {
    ...server,
    dnsServer: `127.0.0.1:${dns}`,
    addTxt: (name, value) => command('set-txt', { host: `${name}.`, value }),
    clearTxt: name => command('clear-txt', { host: `${name}.` }),
    failName: name => command('set-servfail', { host: `${name}.` }),
    setAddress: (name, address) => command('add-a', { host: `${name}.`, addresses: [address] }),
  }
}
