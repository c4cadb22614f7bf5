import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEngine, type Engine, loadConfiguration } from '../../engine/index.ts'
import { createEgress } from '../../reconciler/net/egress.ts'
import { type BindServer, startBind } from './bind.ts'
import { createScratch } from './scratch.ts'

const masterKey = randomBytes(32).toString('base64')
let server: BindServer
const scratch = createScratch('egress')

beforeAll(async () => {
  server = await startBind({ zones: [{ name: 'dyn.example' }] })
})
afterAll(async () => {
  await server?.stop()
  scratch.remove()
})

let engines = 0
/** An engine as the service opens it for a tenant, or without a guard as the command line does. */
async function engineWith(
  allow: readonly string[] | undefined,
  work: (engine: Engine) => Promise<void>,
): Promise<void> {
  const engine = await createEngine({
    state: `sqlite:${scratch.path}/state-${engines++}.db`,
    env: { TRUSTFORM_MASTER_KEY: masterKey, TSIG: server.key.secret },
    network: { http01Listen: '127.0.0.1:0', ...(allow && { guard: createEgress(allow).guard }) },
  })
  try {
    await work(engine)
  } finally {
    await engine.close()
  }
}

async function provider(nameserver: string) {
  const file = scratch.write(
    'provider.yaml',
    `apiVersion: trustform/v1
kind: DnsProvider
metadata: {name: bind}
spec:
  providerType: rfc2136
  credentials:
    tsig_key_name: ${server.key.name}
    tsig_secret: {env: TSIG}
  config: {nameserver: ${nameserver}, port: ${server.port}, zones: [dyn.example]}
`,
  )
  const { configuration, diagnostics } = await loadConfiguration([file])
  expect(diagnostics).toEqual([])
  if (!configuration) throw new Error('the configuration is not valid')
  return configuration
}

const cases: [what: string, nameserver: string, allow: readonly string[] | undefined, reached: boolean][] = [
  ['loopback', '127.0.0.1', [], false],
  ['a name of this machine', 'localhost', [], false],
  ['beside what is allowed', '127.0.0.1', ['10.0.0.0/8'], false],
  ['what the operator allows', '127.0.0.1', ['127.0.0.0/8'], true],
  ['loopback from the command line', '127.0.0.1', undefined, true],
]
test.each(cases)('an rfc2136 server at %s', async (_what, nameserver, allow, reached) => {
  await engineWith(allow, async engine => {
    const made = await engine.plan({ configuration: await provider(nameserver) })
    const found = made.plan.document.preflight.map(({ code, level, remedy }) => ({ code, level, remedy }))
    if (!reached) {
      const refused = { code: 'egress_refused', level: 'error', remedy: expect.stringContaining('egress.allow') }
      expect(found).toEqual([refused])
      return
    }
    expect(found).toEqual([])
    const { failed, done } = await engine.locked('apply', {}, locked => locked.apply(made.plan, made.snapshot))
    expect({ failed, done }).toEqual({ failed: [], done: ['DnsProvider/bind'] })
  })
})

test('what is applied is asked about again, whatever the plan saw', async () => {
  await engineWith([], async engine => {
    const configuration = await provider('127.0.0.1')
    const made = await engine.plan({ configuration })
    expect(made.plan.document.preflight).toHaveLength(1)
    const unseen = { ...made.plan, document: { ...made.plan.document, preflight: [] } }
    const { failed } = await engine.locked('apply', {}, locked => locked.apply(unseen, made.snapshot))
    expect(failed.map(({ error }) => error)).toMatchObject([{ code: 'egress_refused' }])
  })
})
