import { createServer, type Server } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ClosableHttp, createHttp, systemPorts } from '../../engine/index.ts'
import { createEgress } from '../net/egress.ts'
import type { Forge } from './forge.ts'
import { createForge } from './registry.ts'

/** Something inside the service's network, and the service's way out. */
let server: Server
let http: ClosableHttp
let asked = 0
let url: string

beforeAll(async () => {
  server = createServer((_request, response) => {
    asked++
    response.end('{}')
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  http = await createHttp({ guard: createEgress([]).guard })
})
afterAll(async () => {
  await http.close()
  await new Promise(done => server.close(done))
})

const types: Forge['type'][] = ['github', 'gitlab', 'gitea']
test.each(types)('a %s inside the network is not asked, and told as refused', async type => {
  const { clock } = await systemPorts()
  const forge = await createForge({ type, url, repository: 'infra/pki', token: 'secret-token', http, clock })
  await expect(forge.pullRequest(1)).rejects.toMatchObject({
    code: 'egress_refused',
    remedy: expect.stringContaining('egress.allow'),
  })
  expect(asked).toBe(0)
})
