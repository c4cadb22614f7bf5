import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AcmeWorld, expectNothingToDo, startAcmeWorld } from './acme-world.ts'
import { verifyObject } from './openssl.ts'
import { manifest } from './workspace.ts'

/**
 * `kill -9` at each border of an apply that registers an account and orders a certificate for a name and its wildcard.
 * A span's start is before the effect, its end is between the effect and its record; the record is a span of its own,
 * whose end is after it.
 */
const points: [what: string, span: string][] = [
  ['account key stored', 'journal.account.intended#1'],
  ['newAccount sent', 'acme.new_account#1'],
  ['account known', 'journal.account.done#1'],
  ['first resource recorded', 'state.record#1'],
  ['second resource recorded', 'state.record#2'],
  ['certificate key stored', 'journal.certificate_key.intended#1'],
  ['certificate key confirmed', 'journal.certificate_key.done#1'],
  ['order intended', 'journal.order.intended#1'],
  ['newOrder sent', 'acme.new_order#1'],
  ['order recorded', 'journal.order.done#1'],
  ['first TXT intended', 'journal.txt.intended#1'],
  ['first TXT written', 'dns.present#1'],
  ['first TXT recorded', 'journal.txt.done#1'],
  ['second TXT intended', 'journal.txt.intended#2'],
  ['second TXT written', 'dns.present#2'],
  ['second TXT recorded', 'journal.txt.done#2'],
  ['TXT seen by every server', 'dns.await_propagation#1'],
  ['first challenge posted', 'acme.post_challenge#1'],
  ['second challenge posted', 'acme.post_challenge#2'],
  ['first validation seen', 'acme.poll_authorization#1'],
  ['second validation seen', 'acme.poll_authorization#2'],
  ['validations audited', 'journal.note#1'],
  ['order ready', 'acme.poll_order#1'],
  ['finalize sent', 'acme.finalize#1'],
  ['certificate downloaded', 'acme.download#1'],
  ['renewal window asked', 'acme.renewal_info#1'],
  ['certificate recorded', 'state.record#3'],
  ['first TXT removed', 'dns.cleanup#1'],
  ['first removal recorded', 'journal.txt.done#3'],
  ['second TXT removed', 'dns.cleanup#2'],
  ['second removal recorded', 'journal.txt.done#4'],
  ['operation ended', 'state.end#1'],
]

const crashingEntry = resolve(import.meta.dirname, 'crashing-cli.ts')

/** Each lane has a CA of its own, so that what it issued can be counted. */
const lanes: AcmeWorld[] = []
const waiting: ((lane: AcmeWorld) => void)[] = []
const started: AcmeWorld[] = []

beforeAll(async () => {
  // Every authorization is proven anew, so that every border is passed every time.
  started.push(...(await Promise.all([startAcmeWorld({ authzReuse: 0 }), startAcmeWorld({ authzReuse: 0 })])))
  lanes.push(...started)
})
afterAll(async () => {
  await Promise.all(started.map(world => world.stop()))
})

async function inLane<T>(work: (world: AcmeWorld) => Promise<T>): Promise<T> {
  const world = lanes.pop() ?? (await new Promise<AcmeWorld>(settle => waiting.push(settle)))
  try {
    return await work(world)
  } finally {
    const next = waiting.shift()
    if (next) next(world)
    else lanes.push(world)
  }
}

let names = 0

async function folderOf(world: AcmeWorld) {
  const name = `c${names++}.acme.example`
  const work = world.workspace('crash')
  work.write('a.yaml', world.account() + world.dnsProvider())
  work.write('b.yaml', manifest('Certificate', 'edge', { account: 'ca', domains: [name, `*.${name}`] }))
  return { work, challenge: `_acme-challenge.${name}` }
}

const cases = points.flatMap(([what, span]) =>
  (['start', 'end'] as const).map(
    border => [border === 'start' ? 'before' : 'after', what, `${span}:${border}`] as const,
  ),
)

test.concurrent.each(cases)(
  'kill -9 %s: %s (%s)',
  async (_when, _what, border) =>
    inLane(async world => {
      const { work, challenge } = await folderOf(world)
      try {
        const [accounts, issued] = [world.accounts(), world.issued()]
        const killed = await work.run(['apply', '-f', '.', '--yes'], {
          entry: crashingEntry,
          env: { CRASH_AT: border },
        })
        expect(killed, killed.stderr).toMatchObject({ signal: 'SIGKILL' })

        await work.expect(0, ['apply', '-f', '.', '--yes'])
        await expectNothingToDo(work)
        expect(world.accounts() - accounts, 'accounts registered').toBe(1)
        expect(world.issued() - issued, 'certificates issued').toBe(1)
        expect(await world.dns.txt(challenge), 'TXT values left').toEqual([])
        const { ok, output } = await verifyObject(work, 'Certificate/edge', await world.pebble.issuingRoot())
        expect(ok, output).toBe(true)
        await work.expect(0, ['state', 'verify'])
      } finally {
        work.remove()
      }
    }),
  600_000,
)

test.concurrent(
  'the table above names every durable step and every effect',
  async () =>
    inLane(async world => {
      const { work } = await folderOf(world)
      try {
        const trace = join(work.folder, 'trace.txt')
        await work.expect(0, ['apply', '-f', '.', '--yes'], { entry: crashingEntry, env: { TRACE_TO: trace } })
        const passed = new Set(
          readFileSync(trace, 'utf8')
            .trim()
            .split('\n')
            .map(line => line.replace(/:(start|end)$/, '')),
        )
        // How often a CA is polled is up to the CA.
        const spans = [...passed].filter(
          span => !/^acme\.poll_.*#([3-9]|\d\d)/.test(span) && span !== 'acme.poll_order#2',
        )
        expect(spans.toSorted()).toEqual(points.map(([, span]) => span).toSorted())
      } finally {
        work.remove()
      }
    }),
  600_000,
)
