import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FakeForge } from '../test/fakes/forge-server.ts'
import { createForgeState, type ForgeState } from '../test/fakes/forge-state.ts'
import { startGithub } from '../test/fakes/github-api.ts'

const root = join(import.meta.dirname, '..')
let folder: string
let state: ForgeState
let github: FakeForge
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'trustform-ci-'))
  state = createForgeState()
  github = await startGithub({ state, repository: 'infra/pki', token: 'of-the-job', login: 'bot', permissions: {} })
  // The sources, as bin/trustform would run what is built of them.
  const program = `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'engine/cli/bin.ts')}" "$@"\n`
  writeFileSync(join(folder, 'trustform'), program)
  chmodSync(join(folder, 'trustform'), 0o755)
  const wrong = readFileSync(join(root, 'examples/ci-github/base/pki.yaml'), 'utf8').replace(
    'role: servers',
    'role: server',
  )
  writeFileSync(join(folder, 'wrong.yaml'), wrong)
})
afterAll(async () => {
  await github.stop()
  rmSync(folder, { recursive: true })
})

async function ciPlan(files: string, more: Record<string, string> = {}) {
  const pull = state.openPull('ann', 'main', false)
  const [output, summary] = [join(folder, `output-${pull.number}`), join(folder, `summary-${pull.number}`)]
  for (const file of [output, summary]) writeFileSync(file, '')
  const env = {
    PATH: process.env.PATH ?? '',
    ...{ HOME: folder, TMPDIR: folder, RUNNER_TEMP: folder, TRUSTFORM: join(folder, 'trustform'), FILES: files },
    ...{
      PULL: String(pull.number),
      GITHUB_ACTIONS: 'true',
      GITHUB_API_URL: github.url,
      GITHUB_REPOSITORY: 'infra/pki',
    },
    ...{ GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary, GITHUB_TOKEN: 'of-the-job' },
    TRUSTFORM_STATE: `sqlite:${join(folder, 'state.db')}`,
    TRUSTFORM_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
    ...more,
  }
  const child = spawn('bash', [join(root, 'scripts/ci-plan.sh')], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stdout.on('data', chunk => {
    said += chunk
  })
  child.stderr.on('data', chunk => {
    said += chunk
  })
  const [code] = await once(child, 'close')
  const headline = (text: string | undefined) => text?.split('\n').find(line => line.startsWith('###'))
  return {
    code,
    said,
    result: /^result=(.*)$/m.exec(readFileSync(output, 'utf8'))?.[1],
    comments: pull.comments.map(({ body }) => headline(body)),
    summary: headline(readFileSync(summary, 'utf8')),
    annotated: said.includes('::error file='),
  }
}

const manifests = join(root, 'examples/ci-github/base')
const title = 'Trustform plan for `certificates`'

test('changes: one comment, and the job succeeds', async () => {
  expect(await ciPlan(manifests)).toMatchObject({
    code: 0,
    result: 'changes',
    comments: [`### 📋 ${title}: 3 changes`],
  })
})

test('an invalid configuration: every error in the comment and at its line, and the job fails', async () => {
  expect(await ciPlan('wrong.yaml')).toMatchObject({
    code: 1,
    result: 'invalid',
    annotated: true,
    comments: [`### ❌ ${title}: invalid configuration`],
  })
})

test('a fork: a summary, no comment, and nothing of the state or its key', async () => {
  const ran = await ciPlan(manifests, {
    FORK: 'true',
    TRUSTFORM_STATE: 'postgres://127.0.0.1:1/never',
    TRUSTFORM_MASTER_KEY: 'x',
  })
  expect(ran).toMatchObject({ code: 0, result: 'changes', comments: [], summary: `### 📋 ${title}: 3 changes` })
})

test('a state that cannot be opened: what was printed, and the job fails', async () => {
  const ran = await ciPlan(manifests, { TRUSTFORM_STATE: `sqlite:${join(folder, 'wrong.yaml')}` })
  expect(ran).toMatchObject({ code: 1, result: 'failed', comments: [`### ❌ ${title}: it could not be made`] })
})

test('a comment that cannot be written fails the job', async () => {
  const ran = await ciPlan(manifests, { GITHUB_TOKEN: 'read-only' })
  expect(ran).toMatchObject({ code: 1, result: 'changes', comments: [] })
  expect(ran.said).not.toContain('read-only')
})

test('no input of the action stands in its script', () => {
  const action = load(readFileSync(join(root, 'action.yml'), 'utf8')) as { runs: { steps: { run?: string }[] } } // its shape is asserted below
  const scripts = action.runs.steps.flatMap(({ run }) => run ?? [])
  expect(scripts.length).toBeGreaterThan(1)
  expect(scripts.filter(script => script.includes('${{'))).toEqual([])
})
