import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fileSystem } from './files.ts'
import { loadConfiguration } from './load.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'manifest-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(...names: string[]) {
  for (const name of names) {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), 'a: 1\n')
  }
}

async function listed(path = '.') {
  const { files, failures, links } = await fileSystem.list(join(folder, path))
  return {
    files: files.map(file => relative(folder, file)),
    failures: failures.map(({ code, message }) => `${code} ${message.replaceAll(folder, '')}`),
    links: links.map(link => relative(folder, link)),
  }
}

describe('the files below a path', () => {
  test('are manifests at any depth, sorted, without those of tools', async () => {
    write('b.yaml', 'a/z.yml', 'a/c.txt', '.git/x.yaml', '.hidden.yaml', 'node_modules/p/y.yaml')
    expect(await listed()).toEqual({ files: ['a/z.yml', 'b.yaml'], failures: [], links: [] })
  })

  test('do not include what links lead to; a loop of folders is named', async () => {
    write('a/x.yaml')
    symlinkSync('..', join(folder, 'a/up'))
    symlinkSync('x.yaml', join(folder, 'a/y.yaml'))
    symlinkSync('self.yaml', join(folder, 'a/self.yaml'))
    symlinkSync('x.yaml', join(folder, 'a/notes'))
    expect(await listed()).toEqual({ files: ['a/x.yaml'], failures: [], links: ['a/self.yaml', 'a/up', 'a/y.yaml'] })
  })

  test('include a linked file that is named itself, and a file of any name', async () => {
    write('a.yaml', 'b.conf')
    symlinkSync('a.yaml', join(folder, 'l.yaml'))
    expect(await listed('l.yaml')).toEqual({ files: ['l.yaml'], failures: [], links: [] })
    expect(await listed('b.conf')).toEqual({ files: ['b.conf'], failures: [], links: [] })
  })

  test('a path that is not there, and one that links to itself', async () => {
    symlinkSync('loop', join(folder, 'loop'))
    expect((await listed('no')).failures).toEqual(['input_unreadable "/no" does not exist'])
    expect((await listed('loop')).failures).toEqual([
      'input_unreadable "/loop" is a symbolic link that leads back to itself',
    ])
  })
})

describe('reading', () => {
  const reason = async (name: string, limit = 100) => {
    try {
      await fileSystem.read(join(folder, name), limit)
      return 'read'
    } catch (error) {
      return String(error).replaceAll(folder, '')
    }
  }

  test('a file', async () => {
    write('a.yaml')
    expect(Buffer.from(await fileSystem.read(join(folder, 'a.yaml'), 5)).toString()).toBe('a: 1\n')
  })

  test('refuses what is too large, is no file, or is not there', async () => {
    write('a.yaml')
    execFileSync('mkfifo', [join(folder, 'pipe')])
    expect(await reason('a.yaml', 4)).toMatch(/"\/a.yaml" is larger than/)
    expect(await reason('pipe')).toMatch(/"\/pipe" is not a regular file/)
    expect(await reason('.')).toMatch(/is not a regular file/)
    expect(await reason('no')).toMatch(/"\/no" does not exist/)
  })

  test('refuses what may not be read', async () => {
    write('a.yaml')
    chmodSync(join(folder, 'a.yaml'), 0)
    expect(await asNobody(() => reason('a.yaml'))).toMatch(/may not be read by this user/)
  })
})

/** Root reads every file, whatever its mode, so it steps down for a moment. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work()
  process.seteuid?.(65_534)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
  }
}

test('an unreadable file is told beside the errors of the others', async () => {
  write('a.yaml')
  const { diagnostics } = await loadConfiguration([folder, join(folder, 'no.yaml')], fileSystem)
  expect(diagnostics.map(({ code }) => code)).toEqual(['schema_violation', 'input_unreadable'])
})

test('a folder without manifests', async () => {
  const { diagnostics } = await loadConfiguration([folder], fileSystem)
  expect(diagnostics.map(({ code }) => code)).toEqual(['input_empty'])
})
