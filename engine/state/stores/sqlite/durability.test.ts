import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openStore } from '../../open.ts'

const committer = fileURLToPath(new URL('fixtures/committer.ts', import.meta.url))
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trustform-durability-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Starts a committer and collects what it reports as durable. */
function start(url: string, name: string): { child: ChildProcess; reported: () => string[]; enough: Promise<void> } {
  const child = spawn(process.execPath, [committer, url, name], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  const enough = new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', chunk => {
      text += chunk
      if (text.length > 8_000) resolve()
    })
    child.on('exit', () => reject(new Error(`the committer ended by itself after ${text.length} characters`)))
  })
  enough.catch(() => undefined) // it is awaited only until there is enough
  // The last line may have been cut by the kill.
  return { child, reported: () => text.split('\n').slice(0, -1), enough }
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'close')
}

test('every commit reported before kill -9 is there afterwards, whole, round after round', async () => {
  const url = `sqlite:${join(folder, 'state.db')}`
  const reported = new Set<string>()
  for (let round = 0; round < 4; round++) {
    const run = start(url, `round${round}`)
    await run.enough
    await kill(run.child)
    for (const id of run.reported()) reported.add(id)

    expect(existsSync(join(folder, 'state.db-wal'))).toBe(true)
    const store = await openStore(url)
    const { resources, serial } = await store.snapshot('acme')
    const names = new Set(resources.map(resource => resource.name))
    expect([...reported].filter(id => !names.has(id))).toEqual([])
    expect(serial).toBe(resources.length)
    const certificates = await store.certificates('acme', {})
    expect(new Set(certificates.map(({ id }) => id))).toEqual(names)
    expect(await store.verify('acme')).toEqual([])
    await store.close()
    expect(existsSync(join(folder, 'state.db-wal'))).toBe(false)
  }
  expect(reported.size).toBeGreaterThan(1_000)
})

test('two processes commit at once, one is killed, the other goes on and nothing is lost', async () => {
  const url = `sqlite:${join(folder, 'state.db')}`
  const one = start(url, 'one')
  const two = start(url, 'two')
  await Promise.all([one.enough, two.enough])
  await kill(one.child)
  const before = two.reported().length
  await expect.poll(() => two.reported().length, { timeout: 15_000 }).toBeGreaterThan(before + 50)
  await kill(two.child)

  const store = await openStore(url)
  const names = new Set((await store.snapshot('acme')).resources.map(resource => resource.name))
  expect([...one.reported(), ...two.reported()].filter(id => !names.has(id))).toEqual([])
  expect(await store.verify('acme')).toEqual([])
  await store.close()
})
