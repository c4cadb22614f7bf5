import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createEngine, type Engine, EngineError, fileSystem } from '../../engine/index.ts'
import { createWorld, type World } from '../fixtures/world.ts'
import type { PullRequest } from '../forges/forge.ts'
import { renderComment } from '../previews/comment.ts'
import type { Repository } from '../sources/repository.ts'
import { ownerOf, type Source } from '../sources/source.ts'
import type { LoopPorts } from './ports.ts'
import { previewContent } from './preview-content.ts'

const manifest = {
  apiVersion: 'trustform/v1',
  kind: 'CertificateAuthority',
  metadata: { name: 'root' },
  spec: { type: 'root', commonName: 'Root CA', keyType: 'ec' },
}
const [base, head] = ['a'.repeat(40), 'b'.repeat(40)]

let world: World
let folder: string
let engine: Engine
let source: Source
beforeEach(async () => {
  world = await createWorld()
  folder = mkdtempSync(join(tmpdir(), 'trustform-preview-'))
  writeFileSync(join(folder, 'ca.yaml'), JSON.stringify(manifest))
  source = await world.source('default', 'infra', { paths: [folder] })
  const env = { TRUSTFORM_MASTER_KEY: randomBytes(32).toString('base64') }
  engine = await createEngine({ state: world.store, owner: ownerOf(source), env })
})
afterEach(async () => {
  await engine.close()
  await world.close()
  rmSync(folder, { recursive: true, force: true })
})

/** What is shown of a pull request on a branch whose commits are checked so. */
async function preview(check: (from: string | undefined, to: string) => Promise<void>, fromFork = false) {
  const files = await fileSystem()
  const repository: Partial<Repository> = {
    fetch: async () => ({ head: base, refs: new Map([['refs/pull/7/head', head]]) }),
    merge: async () => ({ type: 'merged', commit: head }),
    filesAt: () => files,
  }
  const ports: Partial<LoopPorts> = {
    engineOf: async () => engine,
    repositoryOf: async () => repository as Repository, // what a preview asks of it
    signaturesOf: async () => ({ check: (_repository, from, to) => check(from, to) }),
  }
  const pull: Partial<PullRequest> = { number: 7, headCommit: head, headRef: 'refs/pull/7/head', fromFork }
  // A preview's content needs no more of either.
  return previewContent(ports as LoopPorts, source, pull as PullRequest, new AbortController().signal)
}

const refuse = async (from: string | undefined, to: string) => {
  throw new EngineError('signature_refused', `${to.slice(0, 4)} above ${from?.slice(0, 4)} is not signed by @ann`)
}

test('credentials are used for what the branch would take', async () => {
  expect(await preview(async () => {})).toMatchObject({ type: 'plan', document: { offline: false } })
})

test('no credential is used for commits that the branch would refuse, and the comment says why', async () => {
  const content = await preview(refuse)
  expect(content).toMatchObject({
    ...{ type: 'plan', document: { offline: true, summary: { create: 1 } } },
    unsigned: 'bbbb above aaaa is not signed by @ann',
  })
  const comment = await renderComment(content, { source: 'infra', commit: head, limit: 65_536 })
  expect(comment).toMatch(/^> 🔏 Planned offline, without any credential: bbbb above aaaa is not signed by `@ann`$/m)
  expect(comment.replaceAll('`@ann`', '')).not.toContain('@ann')
})

test('a fork has nobody to sign it, and is planned offline anyway', async () => {
  const content = await preview(refuse, true)
  expect(content).toMatchObject({ type: 'plan', document: { offline: true } })
  expect(content).not.toHaveProperty('unsigned')
})

test('a check that cannot be made now is no refusal: the job tries again', async () => {
  const check = () => Promise.reject(new EngineError('git_unreachable', 'the cache is gone'))
  await expect(preview(check)).rejects.toMatchObject({ code: 'git_unreachable' })
})
