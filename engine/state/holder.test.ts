import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { currentHolder, presumedDead } from './holder.ts'
import type { LeaseHolder } from './store.ts'

const self = currentHolder('apply')

test('this process is alive and says what it does', () => {
  expect(self).toMatchObject({ pid: process.pid, operation: 'apply' })
  expect(presumedDead(self)).toBe(false)
})

// Without /proc nobody can be judged, and leases run out by time.
const judged = existsSync('/proc/self/stat')
const others: [what: string, holder: LeaseHolder, dead: boolean][] = [
  ['a process of this machine that is gone', { ...self, pid: 2 ** 22 + 1 }, judged],
  ['an earlier process with our number', { ...self, startedAt: self.startedAt.replace(/\d+$/, '1') }, judged],
  ['a process on another machine', { ...self, host: 'elsewhere', pid: 2 ** 22 + 1 }, false],
  ['a process before the last start of a machine with our name', { ...self, startedAt: 'linux:other-boot:1:1' }, false],
  [
    'a process of another container with our name',
    { ...self, startedAt: self.startedAt.replace(/:\d+:(\d+)$/, ':1:$1') },
    false,
  ],
  ['a process whose kernel told nothing', { ...self, startedAt: '' }, false],
]
test.each(others)('%s', (_what, holder, dead) => expect(presumedDead(holder)).toBe(dead))

test('a process that was killed is dead', async () => {
  const program = `
    import { currentHolder } from ${JSON.stringify(new URL('holder.ts', import.meta.url).href)}
    console.log(JSON.stringify(currentHolder('apply')))
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data')
  const holder: LeaseHolder = JSON.parse(line)
  expect(presumedDead(holder)).toBe(false)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(presumedDead(holder)).toBe(judged)
})
