import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Repository } from '../sources/repository.ts'
import type { Source } from '../sources/source.ts'
import { createRepositories, type Repositories } from './repositories.ts'

let folder: string
let repositories: Repositories
/** What happened, in its order. */
let deeds: string[]
/** Lets the repositories go that are being closed. */
let release: () => void
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trustform-caches-'))
  deeds = []
  release = () => {}
  repositories = createRepositories(folder, async ({ spec }, own) => {
    deeds.push(`open ${spec.url}`)
    mkdirSync(own, { recursive: true })
    const repository: Partial<Repository> = {
      async close() {
        await new Promise<void>(resolve => {
          release = resolve
          if (!spec.url.includes('slow')) resolve()
        })
        deeds.push(`close ${spec.url}`)
      },
    }
    return repository as Repository // what is asked of it here
  })
})
afterEach(() => rmSync(folder, { recursive: true }))

const source = (id: string, url: string, version = 1) => ({ id, version, spec: { url } }) as unknown as Source // so far

test('a removed source takes its repository and its folder with it, and so does one that a crash left', async () => {
  await repositories.of(source('src_gone', 'a'))
  const stays = await repositories.of(source('src_stays', 'b'))
  mkdirSync(join(folder, 'src_crashed', 'repository'), { recursive: true })
  mkdirSync(join(folder, 'notes'))
  await repositories.keepOnly(async () => [{ id: 'src_stays' }])
  expect(deeds).toEqual(['open a', 'open b', 'close a'])
  const left = ['src_gone', 'src_crashed', 'src_stays', 'notes'].map(name => existsSync(join(folder, name)))
  expect(left).toEqual([false, false, true, true])
  expect(await repositories.of(source('src_stays', 'b'))).toBe(stays)
})

test('a source that is made while the folders are looked at keeps what it has', async () => {
  await repositories.of(source('src_old', 'a'))
  await repositories.keepOnly(async () => {
    await repositories.of(source('src_new', 'b'))
    return [{ id: 'src_old' }]
  })
  expect(deeds).toEqual(['open a', 'open b'])
  expect(existsSync(join(folder, 'src_new'))).toBe(true)
})

test('a source that moves is opened once at its new place, after the one before is closed', async () => {
  await repositories.of(source('src_1', 'slow', 1))
  const both = Promise.all([repositories.of(source('src_1', 'new', 2)), repositories.of(source('src_1', 'new', 3))])
  await new Promise(resolve => setImmediate(resolve))
  expect(deeds).toEqual(['open slow'])
  release()
  const [one, other] = await both
  expect(one).toBe(other)
  expect(deeds).toEqual(['open slow', 'close slow', 'open new'])
})

test('whoever still holds the record with the place before does not bring that back', async () => {
  await repositories.of(source('src_1', 'old', 1))
  await repositories.of(source('src_1', 'new', 2))
  await expect(repositories.of(source('src_1', 'old', 1))).rejects.toMatchObject({ code: 'state_conflict' })
  expect(deeds).toEqual(['open old', 'close old', 'open new'])
  // One that moved back did so later.
  await repositories.of(source('src_1', 'old', 3))
  expect(deeds.slice(3)).toEqual(['close new', 'open old'])
})
