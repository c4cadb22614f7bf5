import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { expectNothingToDo } from './acme-world.ts'
import { createWorkspace, manifest, type Workspace } from './workspace.ts'

const pki = [
  manifest('CertificateAuthority', 'root', { type: 'root', commonName: 'Root CA', keyType: 'ec' }),
  manifest('Role', 'web', { ca: 'root', allowedDomains: ['corp.example'], allowSubdomains: true }),
  manifest('Certificate', 'a', { role: 'web', domains: ['a.corp.example'] }),
].join('')

let work: Workspace
beforeEach(() => {
  work = createWorkspace('adversity')
  work.write('conf/pki.yaml', pki)
})
afterEach(() => work.remove())

const apply = ['apply', '-f', 'conf', '--yes']

describe('two applies at once', () => {
  test('the second waits for the first, and nothing is made twice', async () => {
    const many = Array.from({ length: 300 }, (_, i) =>
      manifest('Certificate', `c${i}`, { role: 'web', domains: [`c${i}.corp.example`], keyType: 'rsa', keySize: 2048 }),
    )
    work.write('conf/many.yaml', many.join(''))
    const both = await Promise.all([work.run(apply), work.run(apply)])
    expect(
      both.map(({ code }) => code),
      both.map(({ stderr }) => stderr.slice(-500)).join('\n'),
    ).toEqual([0, 0])
    const outcomes = both.map(({ stdout }) => /Apply: (\d+) done/.exec(stdout)?.[1] ?? 'none')
    expect(outcomes.toSorted()).toEqual(['303', 'none'])
    const listed = JSON.parse((await work.expect(0, ['list', 'Certificate', '--json'])).stdout) as { serial: string }[]
    expect(new Set(listed.map(each => each.serial)).size).toBe(301)
    await work.expect(0, ['state', 'verify'])
  })
})

describe('a state that cannot be written', () => {
  test('because the disk is full: a clear error, and what was reported before is kept', async () => {
    const disk = join(work.folder, 'disk')
    mkdirSync(disk)
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]).status === 0
    const state = `sqlite:${join(disk, 'state.db')}`
    // Without the right to mount, SQLite's own limit on pages answers as a full disk does.
    try {
      await work.expect(0, [...apply, '--state', state])
      if (!mounted) limitPages(join(disk, 'state.db'))
      const many = Array.from({ length: 3000 }, (_, i) =>
        manifest('Certificate', `c${i}`, { role: 'web', domains: [`c${i}.corp.example`] }),
      )
      work.write('conf/many.yaml', many.join(''))
      const full = await work.run([...apply, '--state', state])
      expect(full.code, full.stderr.slice(-800)).toBe(1)
      expect(full.stderr).toContain('disk_full')
      const kept = JSON.parse((await work.expect(0, ['list', '--json', '--state', state])).stdout) as unknown[]
      const reported = full.stderr.match(/^✓ /gm)?.length ?? 0
      expect(kept.length).toBeGreaterThanOrEqual(3 + reported)
      if (mounted) {
        execFileSync('mount', ['-o', 'remount,size=64m', disk])
        await work.expect(0, [...apply, '--state', state])
        await work.expect(0, ['state', 'verify', '--state', state])
      }
    } finally {
      if (mounted) execFileSync('umount', [disk])
    }
  })

  test('because it is read-only: plan reads it, apply refuses', async () => {
    await work.expect(0, apply)
    work.write('conf/more.yaml', manifest('Certificate', 'b', { role: 'web', domains: ['b.corp.example'] }))
    const result = asNobody(work, ['apply', '-f', 'conf', '--yes'])
    expect(result.status, result.stderr).toBe(1)
    expect(result.stderr).toMatch(/state_read_only/)
  })
})

/** Root may write anything, so the read-only case runs as another user who may only read. */
function asNobody({ folder }: Workspace, args: readonly string[]) {
  execFileSync('chmod', ['-R', 'a+rX', folder])
  const entry = join(import.meta.dirname, '../../engine/cli/bin.ts')
  const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
  if (!('uid' in user)) chmodSync(join(folder, '.trustform'), 0o500)
  return spawnSync(process.execPath, [entry, ...args], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      NO_COLOR: '1',
      TRUSTFORM_MASTER_KEY: Buffer.alloc(32, 1).toString('hex'),
    },
    encoding: 'utf8',
    ...user,
  })
}

function limitPages(file: string): void {
  const database = new DatabaseSync(file)
  database.exec('pragma max_page_count = 1')
  database.close()
}

describe('a state that is not what it was', () => {
  const cases: [what: string, damage: (file: string) => void, code: string][] = [
    [
      'a file that is no database',
      file => writeFileSync(file, 'this is no database, it is a text file\n'.repeat(200)),
      'state_corrupt',
    ],
    ['a database of a newer version', setNewerVersion, 'state_newer'],
    [
      'a database with damaged pages',
      file => {
        const octets = readFileSync(file)
        octets.fill(0xa5, 4096, Math.min(octets.length, 40_960))
        writeFileSync(file, octets)
      },
      'state_corrupt',
    ],
  ]
  test.each(cases)('%s', async (_what, damage, code) => {
    await work.expect(0, apply)
    const file = join(work.folder, '.trustform/state.db')
    for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true })
    damage(file)
    const before = readFileSync(file)
    const result = await work.run(['plan', '-f', 'conf'])
    expect(result.code, result.stdout).toBe(1)
    expect(result.stderr).toContain(code)
    expect(result.stderr).toContain('hint:')
    expect(readFileSync(file).equals(before), 'the damaged file is left as it is').toBe(true)
  })

  test('the wrong master key opens nothing and changes nothing', async () => {
    await work.expect(0, apply)
    const wrong = { env: { TRUSTFORM_MASTER_KEY: Buffer.alloc(32, 7).toString('base64') } }
    for (const command of [['get', 'Certificate/a', '--format', 'key'], apply]) {
      const result = await work.run(command, wrong)
      expect(result.code, command.join(' ')).toBe(1)
      expect(result.stderr).toContain('master_key_wrong')
    }
    await expectSettled()
  })

  test('a rolled-back state says what the next apply will do', async () => {
    await work.expect(0, apply)
    const history = (await work.expect(0, ['state', 'history', '--json'])).stdout
    const serials = (JSON.parse(history) as { serial: number }[]).map(({ serial }) => serial)
    await work.expect(0, ['state', 'rollback', String(Math.min(...serials))])
    const { stdout } = await work.expect(0, ['plan', '-f', 'conf', '--json'])
    expect(JSON.parse(stdout).summary.create).toBeGreaterThan(0)
    await work.expect(0, apply)
    await expectSettled()
  })
})

describe('a saved plan', () => {
  test('is applied as it was saved', async () => {
    await work.expect(0, ['plan', '-f', 'conf', '--out', 'plan.json'])
    await work.expect(0, ['apply', 'plan.json', '--yes'])
    await expectSettled()
  })

  test('that was changed is refused', async () => {
    await work.expect(0, ['plan', '-f', 'conf', '--out', 'plan.json'])
    const file = join(work.folder, 'plan.json')
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('a.corp.example', 'b.corp.example'))
    const result = await work.run(['apply', 'plan.json', '--yes'])
    expect(result.code).toBe(1)
    expect(result.stderr).toContain('plan_tampered')
    expect(JSON.parse((await work.expect(0, ['list', '--json'])).stdout)).toEqual([])
  })

  test('that is overtaken by another apply is refused', async () => {
    await work.expect(0, apply)
    work.write('conf/pki.yaml', pki.replace('"allowSubdomains": true', '"allowSubdomains": true, "maxTtl": "20d"'))
    await work.expect(0, ['plan', '-f', 'conf', '--out', 'plan.json'])
    work.write('conf/pki.yaml', pki.replace('"allowSubdomains": true', '"allowSubdomains": true, "maxTtl": "30d"'))
    await work.expect(0, apply)
    const result = await work.run(['apply', 'plan.json', '--yes'])
    expect(result.code).toBe(1)
    expect(result.stderr).toContain('plan_stale')
  })
})

test('a copy of the state without the master key is useless', async () => {
  await work.expect(0, apply)
  const copy = join(work.folder, 'backup.db')
  copyFileSync(join(work.folder, '.trustform/state.db'), copy)
  const elsewhere = { env: { TRUSTFORM_MASTER_KEY: '', XDG_CONFIG_HOME: join(work.folder, 'other-user') } }
  const result = await work.run(['get', 'Certificate/a', '--format', 'key', '--state', `sqlite:${copy}`], elsewhere)
  expect(result.code).toBe(1)
  expect(result.stderr).toContain('master_key_missing')
})

function setNewerVersion(file: string): void {
  const database = new DatabaseSync(file)
  database.exec('pragma user_version = 9999')
  database.close()
}

const expectSettled = () => expectNothingToDo(work, [], 'conf')
