import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { markerOf } from '../previews/comment.ts'
import { putSticky } from '../previews/sticky.ts'
import type { Forge } from './forge.ts'

/** A forge with a repository and people, and the deeds that are not ours to do through the port. */
export interface ForgeWorld {
  /** Opened as `bot`. */
  readonly forge: Forge
  readonly bot: string
  /** Logins: one may merge, one may only read, one is unknown to the forge. */
  readonly people: { readonly maintainer: string; readonly reader: string; readonly unknown: string }
  /** The same repository with other settings. */
  open(options: { readonly token?: string; readonly repository?: string }): Promise<Forge>
  openPull(options?: { readonly base?: string; readonly fromFork?: boolean }): Promise<number>
  /** Answers the new head commit. */
  push(number: number): Promise<string>
  comment(number: number, by: string, body: string): Promise<void>
  review(number: number, by: string, verdict: 'approve' | 'reject'): Promise<void>
  merge(number: number): Promise<void>
  status(commit: string, context: string): Promise<{ readonly state: string; readonly description: string } | undefined>
  stop(): Promise<void>
}

/** What every forge must do; `start` is called once. */
export function forgeContract(name: string, start: () => Promise<ForgeWorld>): void {
  describe(`${name} as a forge`, () => {
    let world: ForgeWorld
    beforeAll(async () => {
      world = await start()
    })
    afterAll(() => world?.stop())

    test('knows whom the token acts as', async () => expect(await world.forge.self()).toBe(world.bot))

    test('tells what an open pull request is', async () => {
      const number = await world.openPull()
      const pull = await world.forge.pullRequest(number)
      expect(pull).toMatchObject({ number, baseBranch: 'main', fromFork: false, state: 'open' })
      expect(pull?.headCommit).toMatch(/^[0-9a-f]{40}$/)
      expect(pull?.headRef).toMatch(new RegExp(`^refs/(pull|merge-requests)/${number}/head$`))
      expect(pull?.author).toBe(world.people.maintainer)
      expect(pull).not.toHaveProperty('mergeCommit')
    })

    test('follows the head', async () => {
      const number = await world.openPull()
      const head = await world.push(number)
      expect((await world.forge.pullRequest(number))?.headCommit).toBe(head)
    })

    test('tells a fork from a branch', async () => {
      expect((await world.forge.pullRequest(await world.openPull({ fromFork: true })))?.fromFork).toBe(true)
    })

    test('tells the commit that a merge made', async () => {
      const number = await world.openPull()
      await world.merge(number)
      const pull = await world.forge.pullRequest(number)
      expect(pull?.state).toBe('merged')
      expect(pull?.mergeCommit).toMatch(/^[0-9a-f]{40}$/)
    })

    test('knows no pull request that is not there', async () => {
      expect(await world.forge.pullRequest(99_999)).toBeUndefined()
    })

    test('lists the open pull requests of a branch', async () => {
      const [here, elsewhere, merged] = [
        await world.openPull(),
        await world.openPull({ base: 'other' }),
        await world.openPull(),
      ]
      await world.merge(merged)
      const numbers = (await world.forge.openPullRequests('main')).map(({ number }) => number)
      expect(numbers).toContain(here)
      expect(numbers).not.toContain(elsewhere)
      expect(numbers).not.toContain(merged)
      expect((await world.forge.openPullRequests('other')).map(({ number }) => number)).toEqual([elsewhere])
    })

    test('tells that something was said', async () => {
      const number = await world.openPull()
      const at = async () => Date.parse((await world.forge.pullRequest(number))?.updatedAt ?? '')
      const before = await at()
      // Forges count in seconds.
      for (let count = 0; (await at()) <= before && count < 40; count++) {
        await world.comment(number, world.people.reader, `word ${count}`)
        await new Promise(settle => setTimeout(settle, 50))
      }
      expect(await at()).toBeGreaterThan(before)
      const [listed] = (await world.forge.openPullRequests('main')).filter(pull => pull.number === number)
      expect(Date.parse(listed?.updatedAt ?? '')).toBe(await at())
    })

    test('writes a comment, changes it in place, and reads it back', async () => {
      const number = await world.openPull()
      const made = await world.forge.createComment(number, 'one\n\n`two`')
      const edited = await world.forge.updateComment(number, made.id, 'three ↻ 🛑')
      expect(edited).toMatchObject({ id: made.id, createdAt: made.createdAt, url: made.url })
      expect(Date.parse(edited.updatedAt)).toBeGreaterThanOrEqual(Date.parse(made.updatedAt))
      expect(URL.canParse(made.url)).toBe(true)
      const comments = await world.forge.comments(number)
      expect(comments).toHaveLength(1)
      expect(comments[0]).toMatchObject({ id: made.id, author: world.bot, body: 'three ↻ 🛑' })
      expect(Date.parse(comments[0]?.createdAt ?? '')).not.toBeNaN()
    })

    test('takes a comment as large as it says', async () => {
      const number = await world.openPull()
      const body = 'ä'.repeat(world.forge.commentLimit)
      const { id } = await world.forge.createComment(number, body)
      expect((await world.forge.comments(number)).find(comment => comment.id === id)?.body).toHaveLength(body.length)
    })

    test('reads every page of comments', async () => {
      const number = await world.openPull()
      for (let index = 0; index < 120; index++) await world.comment(number, world.people.reader, `comment ${index}`)
      const bodies = (await world.forge.comments(number)).map(({ body }) => body)
      expect(bodies).toEqual(Array.from({ length: 120 }, (_, index) => `comment ${index}`))
    })

    test('keeps one sticky comment: its own, however many others carry the marker', async () => {
      const number = await world.openPull()
      const marker = markerOf('infra')
      await world.comment(number, world.people.maintainer, `${marker}\nnothing to do, trust me`)
      const first = await putSticky(world.forge, number, 'infra', `${marker}\nfirst\n`)
      await world.comment(number, world.people.reader, 'a word between')
      const again = await putSticky(world.forge, number, 'infra', `${marker}\nsecond\n`)
      const other = await putSticky(world.forge, number, 'other', `${markerOf('other')}\nthird\n`)
      expect(again.id).toBe(first.id)
      expect(other.id).not.toBe(first.id)
      const comments = await world.forge.comments(number)
      expect(comments.map(({ author, body }) => [author, body.trim().split('\n').at(-1)])).toEqual([
        [world.people.maintainer, 'nothing to do, trust me'],
        [world.bot, 'second'],
        [world.people.reader, 'a word between'],
        [world.bot, 'third'],
      ])
    })

    test('marks its own further ones as superseded', async () => {
      const number = await world.openPull()
      const marker = markerOf('infra')
      await world.forge.createComment(number, `${marker}\none`)
      await world.forge.createComment(number, `${marker}\ntwo`)
      await putSticky(world.forge, number, 'infra', `${marker}\nnow\n`)
      const bodies = (await world.forge.comments(number)).map(({ body }) => body)
      expect(bodies[0]).toContain('now')
      expect(bodies[1]).toContain('Superseded')
    })

    test('sets a status, also the same once more', async () => {
      const number = await world.openPull()
      const commit = (await world.forge.pullRequest(number))?.headCommit ?? ''
      const status = { context: 'trustform/infra', description: 'é'.repeat(200), url: 'https://ci.example/1' }
      await world.forge.setStatus(commit, { ...status, state: 'pending' })
      await world.forge.setStatus(commit, { ...status, state: 'pending' })
      await world.forge.setStatus(commit, { ...status, state: 'failure' })
      const told = await world.status(commit, 'trustform/infra')
      expect(told?.state).toMatch(/^fail/)
      expect(told?.description).toBe(`${'é'.repeat(139)}…`)
    })

    test('says who may approve at this moment', async () => {
      const { maintainer, reader, unknown } = world.people
      const asked = [maintainer, reader, unknown].map(login => world.forge.mayApprove(login))
      expect(await Promise.all(asked)).toEqual([true, false, false])
    })

    test('counts approvals of the present head only', async () => {
      const number = await world.openPull()
      const { reader } = world.people
      expect(await world.forge.approvals(number)).toEqual([])
      await world.review(number, reader, 'approve')
      expect(await world.forge.approvals(number)).toEqual([reader])
      await world.push(number)
      expect(await world.forge.approvals(number)).toEqual([])
      await world.review(number, reader, 'approve')
      expect(await world.forge.approvals(number)).toEqual([reader])
      await world.review(number, reader, 'reject')
      expect(await world.forge.approvals(number)).toEqual([])
    })

    test('refuses a wrong token without showing it', async () => {
      const token = 'wrong-token-that-nobody-may-read'
      const forge = await world.open({ token })
      const error = await forge.pullRequest(1).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'forge_unauthorized' })
      expect(JSON.stringify(error, [...allKeys(error)]) + String(error)).not.toContain(token)
    })

    test('names a repository that is not there', async () => {
      const forge = await world.open({ repository: 'infra/nothing' })
      await expect(forge.comments(1)).rejects.toMatchObject({ code: 'forge_failed', message: /infra\/nothing/ })
    })
  })
}

/** Names of everything in an error and what caused it. */
function allKeys(error: unknown, depth = 0): Set<string> {
  if (typeof error !== 'object' || error === null || depth > 5) return new Set()
  const names = Object.getOwnPropertyNames(error)
  const inner = names.flatMap(name => [...allKeys(Reflect.get(error, name), depth + 1)])
  return new Set([...names, ...inner])
}
