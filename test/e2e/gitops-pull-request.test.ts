import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { MergeStyle } from '../servers/gitea-world.ts'
import { authority, base, certificate, type ForgedService, startForged } from './gitops-forge.ts'
import { until } from './gitops-service.ts'

const doomed = ['merge', 'squash', 'rebase', 'alone', 'late', 'later', 'key'] as const
const caFile = (name: string) => `base/old-${name}.yaml`
const ca = (name: string) => `CertificateAuthority/old-${name}`

let forged: ForgedService
beforeAll(async () => {
  const files = Object.fromEntries(doomed.map(name => [caFile(name), authority(`old-${name}`)]))
  forged = await startForged({ 'base/pki.yaml': base, 'base/a.yaml': certificate('a'), ...files })
}, 240_000)
afterAll(() => forged?.stop())

const condition = (view: Awaited<ReturnType<ForgedService['source']>>, type: string) =>
  view.conditions.find(each => each.type === type)
const plansOf = async (number: number) => (await forged.plans()).filter(plan => plan.pull_request === number)

test('a commit on the branch is applied, and its status says so', async () => {
  expect(await forged.listed()).toContain('Certificate/a')
  const head = await forged.mainHead()
  const { state, description } = await forged.status(head, status => status.state !== 'pending')
  expect([state, description]).toEqual(['success', `applied 10 changes at ${head.slice(0, 12)}`])
})

test('a pull request has one comment and one status, in place with every push', async () => {
  const { world, comment, status } = forged
  const first = await world.change(world.alice, 'add', { 'base/b.yaml': certificate('b') })
  const number = await forged.open(world.alice, 'add')
  const shown = await comment(number, body => body.includes('1 to create'))
  expect(shown.body).toContain('### 📋 Trustform plan for `infra`: 1 change\n')
  expect(shown.body).toContain('`Certificate/b`')
  expect(shown.body).toContain('**To apply it:** merge.')
  const told = await status(first, each => each.state === 'success')
  expect(told.description).toMatch(/^1 to create/)
  expect(told.url).toBe(shown.html_url)
  const [plan] = await plansOf(number)
  expect(plan).toMatchObject({ commit: first, state: 'pending' })

  const second = await world.change(world.alice, 'add', { 'base/c.yaml': certificate('c') })
  const again = await comment(number, body => body.includes('2 to create'))
  expect(again.id).toBe(shown.id)
  await status(second, each => each.state === 'success')
  expect((await plansOf(number)).map(each => [each.commit, each.state])).toEqual([
    [second, 'pending'],
    [first, 'superseded'],
  ])

  const broken = certificate('c').replace('"role"', '"rol"')
  const third = await world.change(world.alice, 'add', { 'base/c.yaml': broken })
  const invalid = await comment(number, body => body.includes('invalid configuration'))
  expect(invalid.id).toBe(shown.id)
  expect(invalid.body).toMatch(/❌ `base\/c\.yaml:9:3` .*`spec\.rol`/)
  const failed = await status(third, each => each.state === 'failure')
  expect(failed.description).toMatch(/^invalid configuration: \d error/)
  expect(
    (await plansOf(number)).map(each => each.state),
    'no older plan holds',
  ).toEqual(['superseded', 'superseded'])

  const mended = await world.change(world.alice, 'add', { 'base/c.yaml': certificate('c') })
  await status(mended, each => each.state === 'success')
  await world.merge(number)
  const head = await forged.mainHead()
  expect(head).not.toBe(mended)
  await forged.applied(head)
  expect(await forged.listed()).toEqual(expect.arrayContaining(['Certificate/b', 'Certificate/c']))
  await status(head, each => each.description.startsWith('applied 2 changes'))
  const ended = await comment(number, body => body.includes('merged'))
  expect(ended.id).toBe(shown.id)
  await until(
    () => plansOf(number),
    plans => plans.every(each => each.state === 'superseded'),
  )
})

/** Alice opens a pull request that deletes an authority; answers when its plan stands in the comment. */
async function deletion(name: string, alsoFiles: Readonly<Record<string, string>> = {}) {
  const { world, comment, status } = forged
  const branch = `drop-${name}`
  const head = await world.change(world.alice, branch, { [caFile(name)]: null, ...alsoFiles })
  const number = await forged.open(world.alice, branch)
  const { body } = await comment(number, text => text.includes('needs approval'))
  expect(body).toContain(`\`${ca(name)}\``)
  expect(body).toContain('a maintainer writes the comment `trustform apply infra`')
  const told = await status(head, each => each.state !== 'pending')
  expect(told.state).toBe('failure')
  expect(told.description).toMatch(/^needs approval: .*1 to delete/)
  return { number, branch, head }
}

describe('what deletes an authority', () => {
  const styles: [style: MergeStyle][] = [['merge'], ['squash'], ['rebase']]
  test.each(styles)('is applied as it was approved, by another person, after a %s', async style => {
    const { world, comment, say, status } = forged
    const { number, branch } = await deletion(style)

    await say(number, world.rita, 'trustform apply')
    await comment(number, body => body.includes('rita: this account may not approve plans here'))
    await say(number, world.alice, 'trustform apply infra')
    await comment(number, body => body.includes('alice: an authority, account or anchor would go'))
    expect((await plansOf(number))[0]).toMatchObject({ state: 'pending', approvals: [] })

    await say(number, world.ben, 'trustform apply')
    await comment(number, body => body.includes('✅ Approved by **ben**'))

    // What comes after an approval was not approved.
    const head = await world.change(world.alice, branch, { [`base/${style}.yaml`]: certificate(`with-${style}`) })
    const stale = await comment(number, body => body.includes('does not carry over'))
    expect(stale.body).toContain('ben')
    expect(stale.body).toContain('needs approval')
    expect((await status(head, each => each.state !== 'pending')).state).toBe('failure')
    await say(number, world.ben, 'trustform apply infra')
    await comment(number, body => body.includes('✅ Approved by **ben**'))
    const approved = await status(head, each => each.state === 'success')
    expect(approved.description).toMatch(/^approved by ben: 1 to create, 1 to delete/)

    // Meanwhile the branch moves, so that what is merged is another commit whatever the style.
    const meanwhile = await world.change(world.ben, 'main', {
      [`base/mean-${style}.yaml`]: certificate(`mean-${style}`),
    })
    await forged.applied(meanwhile)
    await world.merge(number, style)
    const merged = await forged.mainHead()
    expect(merged).not.toBe(head)
    const view = await forged.applied(merged)
    expect(condition(view, 'Ready')).toMatchObject({ status: 'True', reason: 'Applied' })
    const listed = await forged.listed()
    expect(listed).not.toContain(ca(style))
    expect(listed).toEqual(expect.arrayContaining([`Certificate/with-${style}`, `Certificate/mean-${style}`]))
    await until(
      () => plansOf(number),
      plans => plans.map(each => each.state).join() === 'applied,superseded',
    )
    await status(merged, each => each.state === 'success')
    const audit = (await forged.service.get('/v1/audit?action=plan_approve')) as {
      data: { actor: string; data: object }[]
    }
    expect(audit.data[0]).toMatchObject({ actor: 'ben', data: { commit: head, by: ['ben'] } })
  })

  test('waits when it was merged without an approval, and says so', async () => {
    const { world, status, service } = forged
    const { number } = await deletion('alone')
    await world.merge(number)
    const head = await forged.mainHead()
    const view = await until(forged.source, each => condition(each, 'Stalled')?.reason === 'Blocked', 60)
    expect(view.observed_commit).toBe(head)
    const told = await status(head, each => each.state === 'failure')
    expect(told.description).toContain('needs an explicit word')
    expect(await forged.listed()).toContain(ca('alone'))
    const pending = (await forged.plans()).filter(plan => plan.state === 'pending')
    expect(pending).toMatchObject([{ commit: head }])
    expect(pending[0]).not.toHaveProperty('pull_request')
    expect(await service.post(`/v1/plans/${pending[0]?.id}/approve`)).toBe(200)
    await forged.applied(head)
    expect(await forged.listed()).not.toContain(ca('alone'))
    await status(head, each => each.state === 'success')
  })

  test('can be approved through the API before it is merged, and the pull request says so', async () => {
    const { world, comment, status, service } = forged
    const { number, head } = await deletion('key')
    const [plan] = await plansOf(number)
    expect(await service.post(`/v1/plans/${plan?.id}/approve`)).toBe(200)
    await comment(number, body => body.includes('✅ Approved by **`key_'))
    await status(head, each => each.state === 'success')
    await world.merge(number)
    await forged.applied(await forged.mainHead())
    expect(await forged.listed()).not.toContain(ca('key'))
  })

  test('is not approved by an approval of another commit, however fast it is merged', async () => {
    const { world, comment, say, service } = forged
    const { number, branch } = await deletion('late')
    await say(number, world.ben, 'trustform apply')
    await comment(number, body => body.includes('✅ Approved by **ben**'))
    const pushed = await world.change(world.alice, branch, { [caFile('later')]: null })
    await until(
      () => forged.pull(number),
      ({ head }) => head.sha === pushed,
    )
    await world.merge(number)
    const head = await forged.mainHead()
    await until(
      forged.source,
      each => each.observed_commit === head && condition(each, 'Stalled')?.reason === 'Blocked',
      60,
    )
    expect(await forged.listed()).toEqual(expect.arrayContaining([ca('late'), ca('later')]))
    const pending = await until(
      async () => (await forged.plans()).filter(plan => plan.state === 'pending' || plan.state === 'approved'),
      plans => plans.length === 1,
    )
    expect(pending).toMatchObject([{ commit: head, state: 'pending' }])
    expect(await service.post(`/v1/plans/${pending[0]?.id}/approve`)).toBe(200)
    await forged.applied(head)
  })
})

test('a pull request that is behind deletes nothing, and one that conflicts says where', async () => {
  const { world, comment } = forged
  await world.change(world.alice, 'behind', { 'base/behind.yaml': certificate('behind') })
  await world.change(world.alice, 'conflict', { 'base/a.yaml': certificate('a2') })
  const ahead = await world.change(world.ben, 'main', {
    'base/a.yaml': certificate('a3'),
    'base/ahead.yaml': certificate('ahead'),
  })
  await forged.applied(ahead)
  const behind = await comment(await forged.open(world.alice, 'behind'), body => body.includes('1 change'))
  expect(behind.body).toContain('**1 to create**')
  expect(behind.body).not.toContain('delete')
  const conflict = await comment(await forged.open(world.alice, 'conflict'), body => body.includes('conflicts'))
  expect(conflict.body).toContain('it conflicts with main in base/a.yaml')
})

test('a pull request that is closed leaves no plan', async () => {
  const { world, comment } = forged
  await world.change(world.alice, 'closed', { 'base/closed.yaml': certificate('closed') })
  const number = await forged.open(world.alice, 'closed')
  await comment(number, body => body.includes('1 to create'))
  await world.api(world.alice, 'PATCH', `pulls/${number}`, { state: 'closed' })
  await comment(number, body => body.includes('closed without merging'))
  await until(
    () => plansOf(number),
    plans => plans.every(each => each.state === 'superseded'),
  )
  expect(await forged.listed()).not.toContain('Certificate/closed')
})

test('a plan beyond what a comment holds is cut, and still ends as it should', async () => {
  const { world, comment } = forged
  const many = Array.from({ length: 2000 }, (_, index) => certificate(`many-${index}`)).join('')
  await world.change(world.alice, 'many', { 'base/many.yaml': many })
  const { body } = await comment(await forged.open(world.alice, 'many'), text => text.includes('2000 changes'))
  expect(body.length).toBeLessThanOrEqual(262_144)
  expect(body.length).toBeGreaterThan(200_000)
  expect(body).toMatch(/… and \d+ more/)
  expect(body.match(/<details>/g)).toHaveLength(body.match(/<\/details>/g)?.length ?? -1)
  expect(body.trimEnd().endsWith('this comment is kept up to date</sub>')).toBe(true)
})
