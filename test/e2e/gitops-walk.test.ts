import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningGitea, startGitea } from '../servers/gitea.ts'
import { until } from './gitops-service.ts'
import { type ServiceProcess, startServiceProcess } from './service-process.ts'
import { createWorkspace, type Workspace } from './workspace.ts'

const root = resolve(import.meta.dirname, '../..')
const forge = 'https://git.corp.example'
const repository = 'infra/pki'

/** The ten minutes of the guide: what it tells to type, and the file that it tells to write. */
const guide = readFileSync(join(root, 'docs/gitops.md'), 'utf8').split(/^## /m)[1] ?? ''
const fence = /```yaml\n([\s\S]+?)```/
const file = fence.exec(guide)?.[1]?.replaceAll(/^ {3}/gm, '') ?? ''
const commands = [...guide.replace(fence, '').matchAll(/(?:^ {7}.+\n)+/gm)].map(([block]) =>
  block.replaceAll(/^ {7}/gm, ''),
)

let gitea: RunningGitea
let work: Workspace
let service: ServiceProcess | undefined
beforeAll(async () => {
  gitea = await startGitea()
  work = createWorkspace('walk')
  work.write('bin/trustform', `#!/bin/sh\nexec ${process.execPath} ${join(root, 'engine/cli/bin.ts')} "$@"\n`)
  spawnSync('chmod', ['+x', join(work.folder, 'bin/trustform')])
  const [organization, name] = repository.split('/')
  await gitea.api(gitea.admin, 'POST', 'orgs', { username: organization })
  await gitea.api(gitea.admin, 'POST', `orgs/${organization}/repos`, { name, default_branch: 'main' })
})
afterAll(async () => {
  await service?.end('SIGTERM')
  work?.remove()
  await gitea?.stop()
})

/** Types a block of the guide into a shell; git is asked for no password only because it stands in the address. */
function type(block: string | undefined, folder: string): void {
  if (block === undefined) throw new Error('the guide has fewer blocks than it had')
  const { host } = new URL(gitea.url)
  const { name, password } = gitea.admin
  const person = { GIT_AUTHOR_NAME: 'Ann', GIT_AUTHOR_EMAIL: 'ann@corp.example' }
  const result = spawnSync('sh', ['-e', '-c', block.replaceAll(forge, `http://${name}:${password}@${host}`)], {
    cwd: join(work.folder, folder),
    encoding: 'utf8',
    env: {
      ...work.env,
      ...person,
      GIT_COMMITTER_NAME: person.GIT_AUTHOR_NAME,
      GIT_COMMITTER_EMAIL: person.GIT_AUTHOR_EMAIL,
      GIT_CONFIG_NOSYSTEM: '1',
      PATH: `${join(work.folder, 'bin')}:${work.env.PATH}`,
    },
  })
  expect(result.status, `${block}\n${result.stdout}${result.stderr}`).toBe(0)
}

const api = (method: string, path: string, body?: object) =>
  gitea.api(gitea.admin, method, `repos/${repository}/${path}`, body)

test('the guide leads from an empty repository to the preview of a pull request, and on to its certificate', async () => {
  const begun = Date.now()
  const [declare, start, propose] = commands
  type(declare, '.')

  const account = await gitea.createUser('trustform')
  await api('PUT', 'collaborators/trustform', { permission: 'admin' })
  const scopes = ['write:repository', 'write:issue', 'read:user']
  expect(guide).toContain('`write:repository`, `write:issue` and `read:user`')
  const login = Buffer.from(`${account.name}:${account.password}`).toString('base64')
  const made = await fetch(`${gitea.url}/api/v1/users/trustform/tokens`, {
    method: 'POST',
    headers: { authorization: `Basic ${login}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'service', scopes }),
  })
  const { sha1: token } = (await made.json()) as { sha1: string } // its API

  // As the guide says for a forge on the own machine.
  expect(file).toContain('egress: {allow: [10.0.0.0/8]}')
  const configuration = file.replace('10.0.0.0/8', '127.0.0.0/8').replaceAll(forge, gitea.url)
  mkdirSync(join(work.folder, 'service'))
  work.write('service/reconciler.yaml', `git: {allowInsecure: true}\n${configuration}`)
  expect(start).toBe('export FORGE_TOKEN=…\ntrustform serve\n')
  const folder = join(work.folder, 'service')
  service = await startServiceProcess({ folder, env: { ...work.env, FORGE_TOKEN: token } })
  const page = async () => (await service?.ask('/'))?.text ?? ''
  await until(page, text => text.includes('Applied'), 60)
  const listed = await work.expect(0, ['list', '--state', 'sqlite:service/state.db'])
  expect(listed.stdout).toMatch(/Certificate\/web .*git:infra/)

  type(propose, 'pki')
  const opened = (await api('POST', 'pulls', { base: 'main', head: 'add-mail', title: 'Add mail' })) as {
    number: number
  } // its API
  const comments = () => api('GET', `issues/${opened.number}/comments`) as Promise<{ body: string }[]> // its API
  const [comment] = await until(comments, found => found.length > 0, 90)
  expect(comment?.body).toContain(': 1 change\n')
  expect(comment?.body).toMatch(/create \| `Certificate\/mail`/)
  expect(Date.now() - begun, 'well within ten minutes, of which most are for reading').toBeLessThan(180_000)

  await until(
    () =>
      api('POST', `pulls/${opened.number}/merge`, { Do: 'merge' }).then(
        () => true,
        () => false,
      ),
    merged => merged,
  )
  const statuses = async () => {
    const found = (await api('GET', 'commits/main/status')) as { statuses: { description: string }[] | null } // its API
    return found.statuses?.map(({ description }) => description).join() ?? ''
  }
  await until(statuses, text => text.includes('applied 1 change'), 60)
}, 400_000)
