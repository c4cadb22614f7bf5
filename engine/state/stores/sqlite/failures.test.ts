import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  add,
  certificate,
  codeOf,
  commit,
  draft,
  put,
  putKey,
  putSealed,
  sealedRow,
  take,
  tenant,
} from '../../contract/samples.ts'
import { openStore, openStoreWhenWritten, stateExists } from '../../open.ts'
import { openFile } from './open-file.ts'
import { sqliteStore } from './store.ts'

let folder = ''
let path = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trustform-failures-'))
  path = join(folder, 'state.db')
})
afterEach(() => {
  for (const name of ['', 'locked']) chmodSync(join(folder, name), 0o700)
  rmSync(folder, { recursive: true })
})
beforeEach(() => mkdirSync(join(folder, 'locked')))

async function fill(at = path, roles = 3): Promise<void> {
  const store = await openStore(`sqlite:${at}`)
  await commit(
    store,
    Array.from({ length: roles }, (_, n) => put(draft(`Role/r${n}`))),
  )
  await store.close()
}

describe('what cannot be opened', () => {
  const unusable: [what: string, make: () => Promise<void> | void, code: string][] = [
    ['a text file', () => writeFileSync(path, 'apiVersion: trustform/v1\n'.repeat(100)), 'state_corrupt'],
    [
      'the database of another program',
      () => {
        const other = new DatabaseSync(path)
        other.exec('CREATE TABLE bookmarks (url TEXT)')
        other.close()
      },
      'state_corrupt',
    ],
    [
      'a database whose header is overwritten',
      async () => {
        await fill()
        writeFileSync(path, Buffer.concat([Buffer.alloc(100, 7), readFileSync(path).subarray(100)]))
      },
      'state_corrupt',
    ],
    [
      'a database from a newer version',
      async () => {
        await fill()
        const raw = new DatabaseSync(path)
        raw.exec('PRAGMA user_version = 9999')
        raw.close()
      },
      'state_newer',
    ],
    ['a folder', () => mkdirSync(path), 'usage'],
    ['a path below a file', () => writeFileSync(join(folder, 'locked', 'file'), ''), 'state_unavailable'],
  ]
  test.each(unusable)('%s is refused by name and left as it was', async (what, make, code) => {
    await make()
    if (what.startsWith('a path')) path = join(folder, 'locked', 'file', 'state.db')
    const before = statSync(path, { throwIfNoEntry: false })
    const failure = await openStore(`sqlite:${path}`).catch(error => error)
    expect(failure).toMatchObject({ code, message: expect.stringContaining(path), remedy: expect.any(String) })
    expect(statSync(path, { throwIfNoEntry: false })?.mtimeMs).toBe(before?.mtimeMs)
  })

  test('a database whose pages are destroyed says so when it is read, and verify names the damage', async () => {
    await fill(path, 500)
    const size = statSync(path).size
    truncateSync(path, Math.floor(size / 4096 / 2) * 4096)
    const read = openStore(`sqlite:${path}`).then(store => store.snapshot(tenant))
    expect(await codeOf(read)).toBe('state_corrupt')
  })

  const urls: [url: string, message: string][] = [
    ['', 'the state has no URL'],
    ['sqlite:', 'the state has no URL'],
    ['state.db', 'the state has no URL'],
    ['mysql://user:hunter2@db/x', 'unknown state "mysql:"'],
    ['constructor:x', 'unknown state "constructor:"'],
    ['postgres://user:hunter2@db/x', 'this version has no PostgreSQL store yet'],
    ['postgresql://user:hunter2@db/x', 'this version has no PostgreSQL store yet'],
  ]
  test.each(urls)('the URL "%s" is a usage error', async (url, message) => {
    const refused = { code: 'usage', message, remedy: expect.stringContaining('--state sqlite:PATH') }
    await expect(openStore(url)).rejects.toMatchObject(refused)
    await expect(openStoreWhenWritten(url)).rejects.toMatchObject(refused)
    expect(() => stateExists(url)).toThrow(message)
  })
})

describe('files', () => {
  test('the database is 0600 and the folders made for it are 0700; what exists keeps its mode', async () => {
    const nested = join(folder, 'locked', 'a', 'b', 'state.db')
    chmodSync(join(folder, 'locked'), 0o755)
    const store = await openStore(`sqlite:${nested}`)
    await commit(store, [put(draft('Role/web'))])
    const mode = (name: string) => (statSync(join(folder, name)).mode & 0o777).toString(8)
    expect(['locked', 'locked/a', 'locked/a/b'].map(mode)).toEqual(['755', '700', '700'])
    expect(['', '-wal', '-shm'].map(suffix => mode(`locked/a/b/state.db${suffix}`))).toEqual(['600', '600', '600'])
    await store.close()
  })

  test('each commit is synced to the disk before it is answered', async () => {
    const file = await openFile(path)
    const setting = (name: string) => Object.values(file.database.prepare(`PRAGMA ${name}`).get() ?? {})[0]
    // 2 is FULL, https://www.sqlite.org/pragma.html#pragma_synchronous: what a power cut needs and no test can cut.
    expect([setting('journal_mode'), setting('synchronous'), setting('foreign_keys')]).toEqual(['wal', 2, 1])
    await sqliteStore(file).close()
  })

  test('many processes may create the same database at once', async () => {
    const stores = await Promise.all(Array.from({ length: 5 }, () => openStore(`sqlite:${path}`)))
    await Promise.all(stores.map((store, n) => commit(store, [put(draft(`Role/r${n}`))])))
    expect((await stores[0]?.snapshot(tenant))?.serial).toBe(5)
    for (const store of stores) await store.close()
  })
})

/** Runs the reader without the right to override permissions, which root has. */
function readAsOrdinaryUser(at: string): unknown {
  const reader = [process.execPath, fileURLToPath(new URL('fixtures/reader.ts', import.meta.url)), `sqlite:${at}`]
  const command = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all', ...reader] : reader
  const { stdout, stderr } = spawnSync(command[0] ?? '', command.slice(1), { encoding: 'utf8' })
  try {
    return JSON.parse(stdout)
  } catch {
    throw new Error(stderr)
  }
}

describe('read-only', () => {
  test('a read-only file in a read-only folder can be read; writing is refused', async () => {
    const inside = join(folder, 'locked', 'state.db')
    await fill(inside)
    chmodSync(inside, 0o400)
    chmodSync(join(folder, 'locked'), 0o500)
    expect(readAsOrdinaryUser(inside)).toEqual({ resources: 3, write: 'state_read_only' })
  })

  test('a read-only file in a writable folder can be read; writing is refused', async () => {
    await fill()
    chmodSync(path, 0o400)
    expect(readAsOrdinaryUser(path)).toEqual({ resources: 3, write: 'state_read_only' })
  })

  test('commits that are only in the log are never silently left out', async () => {
    const inside = join(folder, 'locked', 'state.db')
    const original = await openStore(`sqlite:${path}`)
    await commit(original, [put(draft('Role/web'))])
    // As kill -9 and a copy leave it: main file and log, no -shm.
    for (const suffix of ['', '-wal']) copyFileSync(path + suffix, inside + suffix)
    await original.close()
    chmodSync(inside, 0o400)
    chmodSync(`${inside}-wal`, 0o400)
    chmodSync(join(folder, 'locked'), 0o500)
    expect(readAsOrdinaryUser(inside)).toEqual({ open: 'state_read_only' })
  })

  test('a state that does not exist cannot be made in a read-only folder', () => {
    chmodSync(join(folder, 'locked'), 0o500)
    expect(readAsOrdinaryUser(join(folder, 'locked', 'state.db'))).toEqual({ open: 'state_read_only' })
  })

  test('a file that its folder hides from us is not taken for an empty state', async () => {
    const inside = join(folder, 'locked', 'state.db')
    await fill(inside)
    chmodSync(inside, 0o000)
    expect(readAsOrdinaryUser(inside)).toEqual({ open: 'state_unavailable' })
  })
})

describe('disk full', () => {
  test('what does not fit fails with disk_full, neighbours and earlier commits are untouched', async () => {
    const file = await openFile(path)
    const store = sqliteStore(file)
    await commit(store, [putKey(1), put(draft('Role/before'))])
    const { page_count: pages } = file.database.prepare('PRAGMA page_count').get() ?? {}
    file.database.exec(`PRAGMA max_page_count = ${Number(pages) + 8}`)

    const huge = put(draft('Role/huge', { spec: { text: 'x'.repeat(200_000) } }))
    const results = await Promise.all(
      [[put(draft('Role/a'))], [huge], [put(draft('Role/b'))]].map(mutations => codeOf(commit(store, mutations))),
    )
    expect(results).toEqual(['no error', 'disk_full', 'no error'])

    // Until nothing fits any more; then room is made and it goes on.
    let code = 'no error'
    for (let n = 0; code === 'no error'; n++)
      code = await codeOf(commit(store, [add(certificate(`c${n}`, { der: new Uint8Array(3000) }))]))
    expect(code).toBe('disk_full')
    const names = async () => (await store.snapshot(tenant)).resources.map(({ name }) => name)
    expect(await names()).toEqual(['a', 'b', 'before'])
    expect(await store.verify(tenant)).toEqual([])
    file.database.exec('PRAGMA max_page_count = 1000000')
    await commit(store, [huge, putSealed(sealedRow('k'))])
    expect(await names()).toEqual(['a', 'b', 'before', 'huge'])
    await store.close()
  })
})

describe('locked by another process', () => {
  test('a short lock is waited out, also by the lease', async () => {
    const store = await openStore(`sqlite:${path}`)
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const written = Promise.all([commit(store, [put(draft('Role/web'))]), take(store, 1, new Date())])
    // Readers are not held up, and this process goes on meanwhile.
    expect((await store.snapshot(tenant)).serial).toBe(0)
    other.exec('COMMIT')
    other.close()
    expect((await written)[0].serial).toBe(1)
    await store.close()
  })

  test('a lock that does not end is state_unavailable', async () => {
    const store = sqliteStore(await openFile(path), { patience: 60 })
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const codes = ['Role/a', 'Role/b'].map(address => codeOf(commit(store, [put(draft(address as 'Role/a'))])))
    expect(await Promise.all(codes)).toEqual(['state_unavailable', 'state_unavailable'])
    other.exec('ROLLBACK')
    other.close()
    expect((await commit(store, [put(draft('Role/a'))])).serial).toBe(1)
    await store.close()
  })
})
