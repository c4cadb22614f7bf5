import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Console, createConsole } from './fixtures/console.ts'

let cli: Console
beforeEach(() => {
  cli = createConsole()
})
afterEach(() => cli.remove())

test('audit verify fails and names the first entry that was changed', async () => {
  for (const name of ['a', 'b', 'c']) await cli.run(`key create --name ${name} --scopes plans:read`)
  const database = new DatabaseSync(join(cli.folder, 'state.db'))
  database.exec(`update log_entry set actor = 'mallory' where log = 'audit' and sequence >= 2`)
  database.close()
  const { code, stdout, stderr } = await cli.run('audit verify')
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain('the audit log is broken at entry 2: audit entry 2 is not what was written')
  expect(await cli.run('state verify')).toMatchObject({ code: 1, stderr: expect.stringContaining('audit entry 2') })
})

test('key create prints the key alone on stdout', async () => {
  const { stdout, stderr } = await cli.run('key create --name ci --scopes plans:read,plans:read')
  expect(stdout).toMatch(/^tfk_\w{43}\n$/)
  expect(stderr).not.toContain(stdout.trim())
  expect((await cli.run('key list --json')).stdout).not.toContain(stdout.trim())
})

test('keys and audit of another tenant are not shown', async () => {
  await cli.run('--tenant one key create --name ci --scopes plans:read')
  expect(JSON.parse((await cli.run('--tenant two key list --json')).stdout)).toEqual([])
  expect(JSON.parse((await cli.run('--tenant two audit --json')).stdout)).toEqual([])
})
