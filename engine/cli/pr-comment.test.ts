import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FakeForge } from '../../test/fakes/forge-server.ts'
import { createForgeState, type ForgeState, headOf } from '../../test/fakes/forge-state.ts'
import { startGithub } from '../../test/fakes/github-api.ts'
import { documentOf, samplePlan } from '../planner/fixtures/documents.ts'
import { type CiJob, ciJob } from './ci.ts'
import { type Console, createConsole } from './fixtures/console.ts'

const repository = 'infra/pki'
const token = 'token-of-the-job'
let cli: Console
let state: ForgeState
let github: FakeForge
beforeEach(async () => {
  cli = createConsole()
  cli.write('plan.json', JSON.stringify(samplePlan))
  cli.write('nothing.json', JSON.stringify(documentOf({})))
  cli.write('failed.txt', 'error: the state is locked\n')
  state = createForgeState()
  state.openPull('ann', 'main', false)
  github = await startGithub({ state, repository, token, login: 'github-actions[bot]', permissions: {} })
})
afterEach(async () => {
  await github.stop()
  cli.remove()
})

const env = () => ({
  GITHUB_ACTIONS: 'true',
  GITHUB_API_URL: github.url,
  GITHUB_SERVER_URL: 'https://github.example',
  GITHUB_REPOSITORY: repository,
  GITHUB_REF: 'refs/pull/1/merge',
  GITHUB_RUN_ID: '42',
  GITHUB_TOKEN: token,
})
const bodies = () => state.pulls[0]?.comments.map(({ body }) => body.split('\n').slice(0, 2)) ?? []

describe('pr comment in GitHub Actions', () => {
  test('needs nothing but the plan, and keeps one comment', async () => {
    expect(await cli.run('pr comment --plan DIR/plan.json', { env: env() })).toMatchObject({ code: 0 })
    expect(await cli.run('pr comment --plan DIR/nothing.json', { env: env() })).toMatchObject({ code: 0 })
    expect(bodies()).toEqual([
      ['<!-- trustform:certificates -->', '### ✅ Trustform plan for `certificates`: nothing to do'],
    ])
    expect(state.statuses.map(({ state, context, url }) => [state, context, url])).toEqual([
      ['failure', 'trustform/certificates', 'https://github.example/infra/pki/actions/runs/42'],
      ['success', 'trustform/certificates', 'https://github.example/infra/pki/actions/runs/42'],
    ])
  })

  test('an earlier job does not overwrite a later one', async () => {
    const planned = headOf(state.pulls[0] ?? state.openPull('ann', 'main', false))
    state.push(1)
    const ran = await cli.run(`pr comment --plan DIR/plan.json --commit ${planned}`, { env: env() })
    expect(ran).toMatchObject({ code: 0, stderr: /^nothing was written: .* another head commit/ })
    expect(bodies()).toEqual([])
  })

  test('what could not be planned replaces the plan before', async () => {
    await cli.run('pr comment --plan DIR/plan.json', { env: env() })
    await cli.run('pr comment --failed DIR/failed.txt --no-status', { env: env() })
    expect(bodies()).toEqual([[expect.any(String), '### ❌ Trustform plan for `certificates`: it could not be made']])
    expect(state.statuses).toHaveLength(1)
  })

  test('the token is shown nowhere', async () => {
    const wrong = { ...env(), GITHUB_TOKEN: 'wrong-token-in-the-job' }
    const ran = await cli.run('pr comment --plan DIR/plan.json', { env: wrong })
    expect(ran).toMatchObject({ code: 1, stderr: /does not accept the token/ })
    expect(ran.stdout + ran.stderr).not.toContain('wrong-token-in-the-job')
  })
})

const refusals: [what: string, line: string, env: Record<string, string>, error: RegExp][] = [
  ['nothing to tell', 'pr comment', {}, /pr comment tells one thing/],
  ['two things', 'pr comment --pending --plan DIR/plan.json', {}, /pr comment tells one thing/],
  ['no pull request', 'pr comment --pending', {}, /needs --pull outside of CI/],
  ['no forge', 'pr comment --pending --pull 1', {}, /needs --forge outside of CI/],
  ['no token', 'pr comment --pending --pull 1 --forge github --repository a/b', {}, /set TRUSTFORM_FORGE_TOKEN/],
  ['a file that is no plan', 'pr comment --plan DIR/failed.txt', {}, /failed.txt is no plan/],
  ['a missing file', 'pr comment --plan DIR/none.json', {}, /none.json cannot be read/],
  ['a number that is none', 'pr comment --pending --pull x', {}, /--pull x is no number/],
]
test.each(refusals)('refused: %s', async (_what, line, given, error) => {
  expect(await cli.run(line, { env: given })).toMatchObject({ code: 1, stdout: '', stderr: error })
})

test('--print needs neither forge nor token', async () => {
  const { stdout, code } = await cli.run('pr comment --plan DIR/plan.json --print', { env: {} })
  expect(code).toBe(0)
  expect(stdout).toContain('### ⛔ Trustform plan for `certificates`')
})

const jobs: [what: string, env: Record<string, string>, job: Partial<CiJob> | undefined][] = [
  ['a terminal', {}, undefined],
  ['a push on GitHub', { GITHUB_ACTIONS: 'true', GITHUB_REF: 'refs/heads/main' }, { forge: 'github', pull: undefined }],
  [
    'Gitea sets the variables of GitHub',
    {
      GITHUB_ACTIONS: 'true',
      GITEA_ACTIONS: 'true',
      GITHUB_SERVER_URL: 'https://git.example',
      GITHUB_REF: 'refs/pull/7/head',
    },
    { forge: 'gitea', url: 'https://git.example', pull: 7, token: 'GITEA_TOKEN' },
  ],
  [
    'GitLab with merged results',
    {
      ...{ GITLAB_CI: 'true', CI_MERGE_REQUEST_IID: '7', CI_COMMIT_SHA: 'trial', CI_PROJECT_PATH: 'a/b/c' },
      CI_MERGE_REQUEST_SOURCE_BRANCH_SHA: 'head',
    },
    { forge: 'gitlab', pull: 7, commit: 'head', repository: 'a/b/c' },
  ],
]
test.each(jobs)('CI: %s', (_what, given, job) => {
  if (job === undefined) expect(ciJob(given)).toBeUndefined()
  else expect(ciJob(given)).toMatchObject(job)
})
