import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { RunningPebble } from './pebble.ts'

const run = promisify(execFile)

/** A responder for the certificates of a Pebble: OpenSSL answers, and what is revoked is asked of Pebble each time. */
export interface OcspResponder {
  readonly url: string
  /** Answers nothing before it knows for whom. */
  serve(pebble: RunningPebble): Promise<void>
  /** Requests answered so far. */
  answered(): number
  stop(): Promise<void>
}

export async function startOcspResponder(): Promise<OcspResponder> {
  const folder = await mkdtemp(join(tmpdir(), 'trustform-ocsp-'))
  const file = (name: string) => join(folder, name)
  let ca: RunningPebble | undefined
  let count = 0

  async function answer(request: Buffer): Promise<Buffer> {
    const number = ++count
    const [asked, told, index] = [file(`${number}.req`), file(`${number}.resp`), file(`${number}.index`)]
    await writeFile(asked, request)
    const { stdout } = await run('openssl', ['ocsp', '-reqin', asked, '-req_text', '-noverify'])
    const [, serial = ''] = /Serial Number: ([0-9A-F]+)/.exec(stdout) ?? []
    await writeFile(index, await indexLine(serial))
    const signer = ['-CA', file('ca.pem'), '-rsigner', file('ca.pem'), '-rkey', file('ca.key')]
    await run('openssl', ['ocsp', '-index', index, ...signer, '-reqin', asked, '-respout', told, '-nmin', '5'])
    return readFile(told)
  }

  /** A line of the database that `openssl ca` keeps. */
  async function indexLine(serial: string): Promise<string> {
    const status = JSON.parse((await ca?.manage(`/cert-status-by-serial/${serial.toLowerCase()}`)) ?? '{}') as {
      readonly Status?: string
    }
    const ends = '491231235959Z'
    const revoked = new Date().toISOString().replace(/^20|[-:T]|\.\d+/g, '')
    if (status.Status === 'Revoked') return `R\t${ends}\t${revoked}\t${serial}\tunknown\t/CN=certificate\n`
    return `V\t${ends}\t\t${serial}\tunknown\t/CN=certificate\n`
  }

  const server = createServer(async (request, response) => {
    try {
      const octets = await answer(await bodyOf(request))
      response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(octets)
    } catch (error) {
      response.writeHead(500).end(String(error))
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}/`,
    async serve(pebble) {
      await writeFile(file('ca.pem'), await pebble.manage('/intermediates/0'))
      await writeFile(file('ca.key'), await pebble.manage('/intermediate-keys/0'))
      ca = pebble
    },
    answered: () => count,
    async stop() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
