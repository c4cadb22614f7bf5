import { afterAll, beforeAll, expect, test } from 'vitest'
import { commands } from './commands.ts'
import { type Console, createConsole } from './fixtures/console.ts'
import { renamedRoot, small, wrong } from './fixtures/manifests.ts'

// What people see, word for word. After a wanted change: vitest run -u engine/cli

let cli: Console
beforeAll(() => {
  cli = createConsole()
  cli.write('small.yaml', small)
  cli.write('wrong.yaml', wrong)
  cli.write('renamed.yaml', renamedRoot)
  cli.write(
    'grown.yaml',
    small.replace('ttl: 10d', 'ttl: 20d').replace('www.acme.example, acme.example', 'www.acme.example'),
  )
})
afterAll(() => cli.remove())

test('help', async () => {
  const lines = ['--help', ...commands.map(({ name }) => `${name} --help`), 'state history --help']
  const all: string[] = []
  for (const line of lines) all.push(await cli.transcript(line))
  await expect(all.join('\n')).toMatchFileSnapshot('golden/help.txt')
})

test('usage errors', async () => {
  const lines = [
    'aply -f DIR/small.yaml',
    'deliver',
    'plan',
    'plan DIR/small.yaml',
    'plan -f DIR/small.yaml --formt text',
    'plan -f DIR/small.yaml --format html',
    'apply -f DIR/small.yaml',
    'apply -f DIR/small.yaml --yes --parallelism 0',
    'renew',
    'get web',
    'list Certificat',
    'list --expiring-within soon',
    'state rollback first',
    'schema Certificte',
    '--log-level loud list',
    'key create --name ci',
    'key create --name ci --scopes sources:red,plans:read',
    'key create --name ci --scopes plans:read --expires soon',
    'key revoke key_unknown',
    'audit --since yesterday',
  ]
  const all: string[] = []
  for (const line of lines) all.push(await cli.transcript(line))
  await expect(all.join('\n')).toMatchFileSnapshot('golden/usage.txt')
})

test('a life: validate, plan, apply, look, change, refuse, destroy', async () => {
  const lines = [
    'validate -f DIR/wrong.yaml',
    'validate -f DIR/small.yaml',
    'graph -f DIR/small.yaml',
    'list',
    'plan -f DIR/small.yaml',
    'apply -f DIR/small.yaml --yes --parallelism 1',
    'plan -f DIR/small.yaml --detailed-exitcode',
    'apply -f DIR/small.yaml --yes',
    'list',
    'list Certificate --expiring-within 15d',
    'state list',
    'plan -f DIR/grown.yaml --detailed-exitcode',
    'plan -f DIR/grown.yaml --format markdown',
    'apply -f DIR/grown.yaml --yes --parallelism 1',
    'plan -f DIR/renamed.yaml',
    'plan -f DIR/renamed.yaml --format markdown',
    'apply -f DIR/renamed.yaml --yes',
    'renew --due',
    'renew Certificate/db --force',
    'renew Certificate/gone',
    'get Certificate/gone',
    'state verify',
    'state unlock',
    'destroy --yes',
    'destroy --yes --parallelism 1 --allow all-deletes',
    'list',
    'audit',
    'audit --action certificate_reissue --since 1h',
    'audit --since 2026-11-22',
    'audit verify',
  ]
  const all: string[] = []
  for (const line of lines) all.push(await cli.transcript(line))
  await expect(all.join('\n')).toMatchFileSnapshot('golden/life.txt')
})

test('API keys: make, list, revoke', async () => {
  const keys = createConsole()
  try {
    const lines = [
      'key list',
      'key create --name ci --scopes sources:read,plans:approve --expires 90d',
      'key create --name dashboard --user ann --scopes runs:read',
      'key list',
      'key revoke KEY',
      'key revoke KEY',
      'key list --json',
      'audit',
      'audit --action api_key_revoke --json',
      'audit verify',
    ]
    const all: string[] = []
    for (const line of lines) {
      const listed: { id: string }[] = JSON.parse((await keys.run('key list --json')).stdout || '[]')
      all.push(await keys.transcript(line.replace('KEY', listed[0]?.id ?? '')))
    }
    await expect(all.join('\n')).toMatchFileSnapshot('golden/keys.txt')
  } finally {
    keys.remove()
  }
})
