import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { type ArchivedFile, tarGz } from './tar.ts'

const files: [path: string, file: ArchivedFile][] = [
  ['run', { contents: Buffer.from('#!/bin/sh\n'), executable: true }],
  ['lib/whole-block.bin', { contents: Buffer.alloc(512, 'x') }],
  ['lib/empty', { contents: Buffer.alloc(0) }],
  ['notes.txt', { contents: Buffer.from('naïve\n') }],
]

test('tar reads what was written', () => {
  const tar = (...args: string[]) =>
    spawnSync('tar', args, { input: tarGz(new Map(files)), env: { LC_ALL: 'C', TZ: 'UTC' } })
  const list = tar('--numeric-owner', '-tvzf', '-').stdout.toString()
  expect(list.replaceAll(/ +/g, ' ').split('\n')).toEqual([
    '-rw-r--r-- 0/0 0 1970-01-01 00:00 lib/empty',
    '-rw-r--r-- 0/0 512 1970-01-01 00:00 lib/whole-block.bin',
    '-rw-r--r-- 0/0 7 1970-01-01 00:00 notes.txt',
    '-rwxr-xr-x 0/0 10 1970-01-01 00:00 run',
    '',
  ])
  for (const [path, { contents }] of files) {
    const { status, stdout } = tar('-xzOf', '-', path)
    expect([path, status, stdout.equals(Buffer.from(contents))]).toEqual([path, 0, true])
  }
})

test('the same files are the same bytes, in whatever order they come', () => {
  expect(tarGz(new Map(files)).equals(tarGz(new Map(files.toReversed())))).toBe(true)
})

test('a path that the format has no room for stops it', () => {
  expect(() => tarGz(new Map([['x'.repeat(101), { contents: Buffer.alloc(0) }]]))).toThrow('too long a path')
})
