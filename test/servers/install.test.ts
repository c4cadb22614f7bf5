import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { ensureDnsServers, ensureGitServers, ensurePebble } from './install.ts'
import { withLock } from './lock.ts'

const folder = mkdtempSync(join(tmpdir(), 'trustform-install-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('everything that the tests start is there', async () => {
  const paths = { ...(await ensureDnsServers()), ...(await ensureGitServers()), ...(await ensurePebble()) }
  expect(Object.values(paths).filter(path => !existsSync(path))).toEqual([])
})

test.each([
  ['ensurePebble', /^these tests need Pebble; install with: GOBIN=\S+ go install .*cmd\/pebble@v2\.10\.1 .*\n$/],
  ['ensureDnsServers', /^these tests need PowerDNS and BIND; install with: sudo .*apt-get install .*pdns-server .*\n$/],
  ['ensureGitServers', /^these tests need git, sshd and gpg; install with: sudo .*openssh-server .*\n$/],
])('%s tells an ordinary user in one line what to install, and fails', async (step, line) => {
  const script = `
    process.getuid = () => 1000
    const { ${step} } = await import(${JSON.stringify(join(import.meta.dirname, 'install.ts'))})
    await ${step}().then(() => console.log('found'), error => { console.log(error.message); process.exitCode = 1 })`
  // Neither a cache nor a PATH: nothing is found.
  const env = { HOME: folder, PATH: '' }
  const failed = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env }).catch(
    error => error,
  )
  expect(failed).toMatchObject({ code: 1, stdout: expect.stringMatching(line) })
})

test('two runs do not install at the same time', async () => {
  const file = join(folder, 'lock')
  const events: string[] = []
  const work = (name: string) => async () => {
    events.push(`${name} in`)
    await new Promise(resolve => setImmediate(resolve))
    events.push(`${name} out`)
  }
  await Promise.all([withLock(file, work('a')), withLock(file, work('b'))])
  expect(events).toEqual(['a in', 'a out', 'b in', 'b out'])
  expect(existsSync(file)).toBe(false)
})

test('the lock of a process that is gone does not hold', async () => {
  const file = join(folder, 'stale')
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', 'console.log(process.pid)'])
  writeFileSync(file, stdout.trim())
  expect(await withLock(file, async () => 'went on')).toBe('went on')
})
