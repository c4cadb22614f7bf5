import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { deflateSync } from 'node:zlib'

/** Git servers that do not behave, each at a path of its own, on one loopback port. */
export interface EndlessServer {
  readonly url: string
  /** Octets of packs that it has sent. */
  readonly sent: () => number
  stop(): Promise<void>
}

const head = '1'.repeat(40)
const pkt = (text: string | Buffer) => {
  const octets = Buffer.from(text)
  return Buffer.concat([Buffer.from((octets.length + 4).toString(16).padStart(4, '0')), octets])
}
const flush = Buffer.from('0000')

/** gitprotocol-v2(5): what the server can do. */
const advertisement = Buffer.concat([
  ...[pkt('# service=git-upload-pack\n'), flush],
  ...[pkt('version 2\n'), pkt('ls-refs\n'), pkt('fetch\n'), pkt('object-format=sha1\n'), flush],
])
const refs = Buffer.concat([pkt(`${head} refs/heads/main\n`), flush])

/**
 * - `/silent.git` takes the request and never answers.
 * - `/trickle.git` says where the branch is, and sends an octet of the answer to the next question every second.
 * - `/endless.git` sends a pack of sound objects, a million of them and 46 GiB.
 * - `/refs.git` lists branches without end.
 * - `/moved.git` redirects to what `redirectTo` names.
 */
export async function startEndlessServer(redirectTo: string): Promise<EndlessServer> {
  let sent = 0
  const timers = new Set<NodeJS.Timeout>()

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, name = ''] = /^\/([a-z]+)\.git\//.exec(request.url ?? '') ?? []
    const asked = (await bodyOf(request)).toString('latin1')
    if (name === 'silent') return
    if (name === 'moved') {
      response.writeHead(302, { location: `${redirectTo}${request.url}` }).end()
      return
    }
    const type = request.method === 'GET' ? 'advertisement' : 'result'
    response.writeHead(200, { 'content-type': `application/x-git-upload-pack-${type}` })
    if (request.method === 'GET') response.end(advertisement)
    else if (name === 'refs')
      await stream(response, () => pkt(`${head} refs/heads/${randomBytes(400).toString('hex')}\n`))
    else if (!asked.includes('command=fetch')) response.end(refs)
    else if (name === 'trickle') trickle(response)
    else await endlessPack(response)
  }

  function trickle(response: ServerResponse): void {
    response.flushHeaders()
    const timer = setInterval(() => response.write(' '), 1000)
    timers.add(timer)
    response.on('close', () => clearInterval(timer))
  }

  async function endlessPack(response: ServerResponse): Promise<void> {
    response.write(pkt('packfile\n'))
    const header = Buffer.concat([Buffer.from('PACK'), Buffer.from([0, 0, 0, 2, 0, 0x0f, 0x42, 0x40])])
    response.write(band(header))
    await stream(response, () => {
      const content = randomBytes(48 * 1024)
      const object = Buffer.concat([objectHeader(content.length), stored(content)])
      sent += object.length
      return band(object)
    })
  }

  const server = createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the server has no address')
  return {
    url: `http://127.0.0.1:${address.port}`,
    sent: () => sent,
    async stop() {
      for (const timer of timers) clearInterval(timer)
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** gitprotocol-pack(5): side band 1 is the pack. */
const band = (octets: Buffer) => pkt(Buffer.concat([Buffer.from([1]), octets]))

/** gitformat-pack(5): type 3 is a blob; the size in groups of 4 and then 7 bits. */
function objectHeader(size: number): Buffer {
  const octets = [0x30 | (size & 0x0f)]
  for (let rest = size >> 4; rest > 0; rest >>= 7) {
    octets.push((octets.pop() ?? 0) | 0x80)
    octets.push(rest & 0x7f)
  }
  return Buffer.from(octets)
}

const stored = (content: Buffer) => deflateSync(content, { level: 0 })

async function stream(response: ServerResponse, next: () => Buffer): Promise<void> {
  while (!response.destroyed) {
    if (response.write(next())) await new Promise(settle => setImmediate(settle))
    else await writable(response)
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer) // an http message without encoding gives buffers
  return Buffer.concat(chunks)
}

function writable(response: ServerResponse): Promise<void> {
  return new Promise(settle => {
    const done = () => {
      response.off('drain', done).off('close', done)
      settle()
    }
    response.on('drain', done).on('close', done)
  })
}
