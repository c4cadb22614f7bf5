import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { createEngine, type StateStore, type Trace } from '../index.ts'
import { type Console, createConsole, movingClock } from './fixtures/console.ts'
import { renamedRoot, small } from './fixtures/manifests.ts'

let cli: Console
beforeEach(() => {
  cli = createConsole()
  cli.write('small.yaml', small)
})
afterEach(() => cli.remove())

const applied = async () => expect((await cli.run('apply -f DIR/small.yaml --yes')).code).toBe(0)

describe('a plan of what does not exist yet', () => {
  const secret =
    'apiVersion: trustform/v1\nkind: Secret\nmetadata: {name: db}\nspec: {path: app/db, data: {password: {env: DB}}}\n'
  const lines = ['plan -f DIR/small.yaml -f DIR/secret.yaml', 'plan -f DIR/small.yaml -f DIR/secret.yaml --json']
  test.each(lines)('%s writes nothing: no state, no master key', async line => {
    cli.write('secret.yaml', secret)
    const before = readdirSync(cli.folder, { recursive: true })
    const env = { DB: 'hunter22', TRUSTFORM_MASTER_KEY: '', XDG_CONFIG_HOME: join(cli.folder, 'home') }
    expect(await cli.run(line, { env })).toMatchObject({ code: 0, stdout: expect.stringContaining('Secret/db') })
    expect(readdirSync(cli.folder, { recursive: true })).toEqual(before)
  })
})

describe('streams', () => {
  const documents: [line: string, field: string][] = [
    ['plan -f DIR/small.yaml --json', 'formatVersion'],
    ['plan -f DIR/small.yaml --format json', 'configDigest'],
    ['apply -f DIR/small.yaml --yes --json', 'done'],
    ['renew --due --json', 'interrupted'],
    ['list --json', '0'],
    ['get Role/servers', 'spec'],
    ['get Certificate/web --format json', 'certificate'],
    ['state list --json', '0'],
    ['state show Certificate/web', 'status'],
    ['state history --json', '0'],
    ['state export', 'lineage'],
    ['schema', '$schema'],
    ['schema Role', 'properties'],
    ['validate -f DIR/small.yaml --format json', 'diagnostics'],
    ['validate -f DIR/small.yaml --format sarif', 'runs'],
  ]
  test.each(documents)('%s prints one JSON document and nothing else', async (line, field) => {
    await applied()
    const { code, stdout } = await cli.run(line)
    expect(code).toBe(0)
    expect(JSON.stringify(JSON.parse(stdout))).toContain(field === '0' ? '[' : `"${field}"`)
  })

  test('list --json has the same fields for every kind', async () => {
    await applied()
    const rows: Record<string, unknown>[] = JSON.parse((await cli.run('list --json')).stdout)
    expect(rows.map(({ address, notAfter }) => [address, notAfter === null])).toEqual([
      ['Certificate/db', false],
      ['Certificate/web', false],
      ['CertificateAuthority/root', false],
      ['Role/servers', true],
    ])
    expect(new Set(rows.map(row => Object.keys(row).join())).size).toBe(1)
  })

  const colours: [what: string, line: string, env: Record<string, string>, colored: boolean][] = [
    ['a terminal gets colour', 'plan -f DIR/small.yaml', {}, true],
    ['NO_COLOR turns it off', 'plan -f DIR/small.yaml', { NO_COLOR: '1' }, false],
    ['--no-color before the command', '--no-color plan -f DIR/small.yaml', {}, false],
    ['--no-color after the command', 'plan -f DIR/small.yaml --no-color', {}, false],
    ['a dumb terminal', 'plan -f DIR/small.yaml', { TERM: 'dumb' }, false],
    ['errors too', 'get Certificate/gone', {}, true],
    ['errors without colour', 'get Certificate/gone --no-color', {}, false],
  ]
  test.each(colours)('%s', async (_what, line, env, colored) => {
    const { stdout, stderr } = await cli.run(line, { tty: true, env })
    expect(`${stdout}${stderr}`.includes('\u001b[')).toBe(colored)
  })

  test('a pipe gets no colour', async () => {
    const { stdout, stderr } = await cli.run('apply -f DIR/small.yaml --yes')
    expect(`${stdout}${stderr}`).not.toContain('\u001b')
  })

  test('a terminal shows what runs below what has ended', async () => {
    const { stderr } = await cli.run('apply -f DIR/small.yaml --yes', { tty: true, env: { NO_COLOR: '1' } })
    expect(stderr).toMatch(/✓ CertificateAuthority\/root created \(\d+ ms\)\n[\s\S]*✓ Certificate\/web created/)
    expect(stderr.endsWith('\u001b[J')).toBe(false)
  })
})

describe('global options', () => {
  test.each([
    ['before the command', '--state sqlite:DIR/other.db list --json'],
    ['after the command', 'list --json --state sqlite:DIR/other.db'],
    ['after a command of a command', 'state list --json --state sqlite:DIR/other.db'],
    ['--tenant', '--tenant other list --json'],
  ])('%s', async (_what, line) => {
    await applied()
    await cli.run('destroy --yes --state sqlite:DIR/other.db')
    expect(JSON.parse((await cli.run(line)).stdout)).toEqual([])
  })
})

describe('asking', () => {
  test('yes applies', async () => {
    const { code, stderr } = await cli.run('apply -f DIR/small.yaml', { answers: 'yes' })
    expect(stderr).toContain('Apply these changes? Only "yes" is accepted: ')
    expect(code).toBe(0)
  })
  test.each(['y', 'no', ''])('%j changes nothing', async answers => {
    expect((await cli.run('apply -f DIR/small.yaml', { answers })).code).toBe(1)
    expect(JSON.parse((await cli.run('list --json')).stdout)).toEqual([])
  })
  test('--no-input never asks', async () => {
    const { code, stderr } = await cli.run('apply -f DIR/small.yaml --no-input', { answers: 'yes' })
    expect([code, stderr.includes('--yes')]).toEqual([1, true])
  })
  test('nothing to do is not asked about', async () => {
    await applied()
    const { code, stderr } = await cli.run('apply -f DIR/small.yaml', { answers: 'no' })
    expect([code, stderr.includes('Only "yes"')]).toEqual([0, false])
  })
})

describe('saved plans', () => {
  const plan = 'plan -f DIR/small.yaml --out DIR/plan.json'
  test('are private, and applied exactly', async () => {
    expect((await cli.run(plan)).code).toBe(0)
    expect(statSync(join(cli.folder, 'plan.json')).mode & 0o777).toBe(0o600)
    const { code, stdout } = await cli.run('apply DIR/plan.json --yes')
    expect([code, stdout]).toEqual([0, 'Apply: 4 done.\n'])
  })
  const refusals: [what: string, line: string, code: string][] = [
    ['a stale one', 'apply DIR/plan.json --yes', 'plan_stale'],
    ['one that is to be changed', 'apply DIR/plan.json --yes --allow all-deletes', 'usage'],
    ['a missing one', 'apply DIR/gone.json --yes', 'input_unreadable'],
    ['a manifest', 'apply DIR/small.yaml --yes', 'plan_tampered'],
  ]
  test.each(refusals)('%s is refused', async (_what, line, code) => {
    await cli.run(plan)
    await applied()
    const refused = await cli.run(line)
    expect([refused.code, refused.stderr.includes(`\n       ${code}\n`)]).toEqual([1, true])
  })
})

describe('blocked', () => {
  test('apply --json tells what blocks, and nothing is applied', async () => {
    await applied()
    cli.write('small.yaml', renamedRoot)
    const before = (await cli.run('state list --json')).stdout
    const { code, stdout } = await cli.run('apply -f DIR/small.yaml --yes --json')
    const { done, failed } = JSON.parse(stdout)
    expect([code, done, failed.map((each: { code: string }) => each.code)]).toEqual([3, [], ['plan_blocked']])
    expect((await cli.run('state list --json')).stdout).toBe(before)
  })
  test('a preflight error', async () => {
    cli.write('small.yaml', small.replace('ttl: 30d', 'ttl: 300d'))
    const { code, stdout } = await cli.run('plan -f DIR/small.yaml --detailed-exitcode')
    expect([code, stdout.startsWith('error: Certificate/web: ')]).toEqual([3, true])
  })
})

describe('destroy', () => {
  const left = async () =>
    JSON.parse((await cli.run('list --json')).stdout).map((row: { address: string }) => row.address)
  test('--target takes along what stands on it, not what it stands on', async () => {
    await applied()
    expect((await cli.run('destroy --yes --target Role/servers')).code).toBe(0)
    expect(await left()).toEqual(['CertificateAuthority/root'])
  })
  test('-f removes only what it declares', async () => {
    await applied()
    cli.write('web.yaml', `${small.split('---\n')[2]}`.replace('role: servers', 'role: {external: role_x}'))
    expect((await cli.run('destroy --yes -f DIR/web.yaml')).code).toBe(0)
    expect(await left()).toEqual(['Certificate/db', 'CertificateAuthority/root', 'Role/servers'])
  })
  test('-f with nothing of it recorded is an error, not everything', async () => {
    await applied()
    cli.write('other.yaml', `${small.split('---\n')[0]}`.replace('{name: root}', '{name: other}'))
    const { code, stderr } = await cli.run('destroy --yes --allow all-deletes -f DIR/other.yaml')
    expect([code, stderr.includes('nothing that this configuration declares is recorded')]).toEqual([1, true])
    expect(await left()).toHaveLength(4)
  })
})

describe('get', () => {
  test('pem is the certificate, chain its issuers without the root, fullchain both', async () => {
    await applied()
    const get = async (format: string, address = 'Certificate/web') =>
      (await cli.run(`get ${address} --format ${format}`)).stdout
    expect(await get('pem')).toMatch(/^-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----\n$/)
    expect(await get('chain')).toBe('')
    expect(await get('fullchain')).toBe(await get('pem'))
    expect(await get('key')).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
    expect(await get('crl', 'CertificateAuthority/root')).toMatch(/^-----BEGIN X509 CRL-----\n/)
    expect(await get('yaml')).toContain('commonName: www.acme.example\n')
  })
  test('a key in a file is for its owner alone, even over an open file', async () => {
    await applied()
    const path = cli.write('web.key', 'old')
    expect(statSync(path).mode & 0o077).not.toBe(0)
    const { code, stdout } = await cli.run('get Certificate/web --format key --out DIR/web.key')
    expect([code, stdout, statSync(path).mode & 0o777]).toEqual([0, '', 0o600])
    expect(readFileSync(path, 'utf8')).toContain('PRIVATE KEY')
  })
  test.each([
    ['Role/servers', 'pem', 'has no certificate'],
    ['Role/servers', 'crl', 'is not a recorded authority'],
    ['Certificate/web', 'pdf', 'Allowed choices'],
  ])('%s as %s: %s', async (address, format, message) => {
    await applied()
    const { code, stdout, stderr } = await cli.run(`get ${address} --format ${format}`)
    expect([code, stdout, stderr.includes(message)]).toEqual([1, '', true])
  })
})

describe('state', () => {
  test('mv, rm, import and rollback leave a plan with nothing to do', async () => {
    await applied()
    const id = JSON.parse((await cli.run('get Certificate/db')).stdout).id
    for (const line of [
      'state rm Certificate/db',
      `state import Certificate/db ${id}`,
      'state mv Certificate/db Certificate/database',
      'state mv Certificate/database Certificate/db',
      'state rollback 4',
    ]) {
      expect([line, (await cli.run(line)).code]).toEqual([line, 0])
    }
    expect((await cli.run('plan -f DIR/small.yaml --detailed-exitcode')).code).toBe(0)
    expect((await cli.run('state verify')).stdout).toBe('the state is sound\n')
  })
  test('rotate-key and copy keep every key readable', async () => {
    await applied()
    const key = (await cli.run('get Certificate/web --format key')).stdout
    expect((await cli.run('state rotate-key')).code).toBe(0)
    expect((await cli.run('state copy --from sqlite:DIR/state.db --to sqlite:DIR/copy.db')).code).toBe(0)
    const copied = await cli.run('get Certificate/web --format key --state sqlite:DIR/copy.db')
    expect(copied.stdout).toBe(key)
  })
})

describe('interrupts', () => {
  /** Calls back when the first operation writes its outcome. */
  const atFirstRecord = (then: () => Promise<void> | void): Trace => {
    let seen = false
    return {
      async span(name, _attributes, work) {
        if (name === 'state.record' && !seen) {
          seen = true
          await then()
        }
        return work()
      },
    }
  }

  test('the first finishes what runs and starts nothing new', async () => {
    let interrupt = () => {}
    const { code, stdout, stderr } = await cli.run('apply -f DIR/small.yaml --yes', {
      onStart: send => {
        interrupt = send
      },
      overrides: { trace: atFirstRecord(() => interrupt()) },
    })
    expect(code).toBe(130)
    expect(stdout).toBe('Apply: 1 done, 3 skipped, interrupted; run it again to go on.\n')
    expect(stderr).toContain('interrupted: finishing CertificateAuthority/root; nothing new is started.')
    expect((await cli.run('apply -f DIR/small.yaml --yes')).stdout).toBe('Apply: 3 done.\n')
  })

  test('the second stops at once and says what is left open', async () => {
    let interrupt = () => {}
    const { code, stderr } = await cli.run('apply -f DIR/small.yaml --yes', {
      onStart: send => {
        interrupt = send
      },
      overrides: {
        trace: atFirstRecord(async () => {
          interrupt()
          interrupt()
          // Hangs, as a server that does not answer would.
          await new Promise<never>(() => {})
        }),
      },
    })
    expect(code).toBe(130)
    expect(stderr).toContain('stopped at once; left open: CertificateAuthority/root\n')
  })
})

test('who waits for the state is told for whom', async () => {
  const engine = await createEngine({ state: `sqlite:${join(cli.folder, 'state.db')}`, env: {} })
  let told = () => {}
  const waiting = new Promise<void>(resolve => {
    told = resolve
  })
  let second: Promise<{ code: number; stderr: string }> | undefined
  await engine.locked('a long apply', {}, async () => {
    second = cli.run('apply -f DIR/small.yaml --yes', { overrides: { clock: movingClock, wrapStore: watched(told) } })
    await waiting
  })
  await engine.close()
  const ran = await second
  expect(ran?.code).toBe(0)
  expect(ran?.stderr).toMatch(/^waiting for the state: locked by `a long apply` \(process \d+ on .+\)\n/)
})

/** Tells when the lease was refused. */
describe('without a state', () => {
  const lines = [
    ...['list', 'list --json', 'get Certificate/web', 'audit', 'audit verify', 'key list --json', 'key revoke key_x'],
    ...['list', 'show Certificate/web', 'history', 'verify', 'export', 'rotate-key', 'unlock'].map(
      name => `state ${name}`,
    ),
    'state copy --from sqlite:DIR/none/state.db --to sqlite:DIR/none/copy.db',
  ]
  test.each(lines)('%s says so and makes none', async line => {
    const { code, stdout, stderr } = await cli.run(
      [...line.split(' '), '--state', 'sqlite:DIR/none/state.db'].map(inFolder),
    )
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain(`error: there is no state at sqlite:${cli.folder}/none/state.db\nhint:  `)
    expect(existsSync(join(cli.folder, 'none'))).toBe(false)
  })

  const inFolder = (word: string) => word.replace('DIR', cli.folder)
})

function watched(told: () => void): (store: StateStore) => StateStore {
  return store =>
    new Proxy(store, {
      get(target, name) {
        if (name === 'acquireLease') {
          return async (...given: Parameters<StateStore['acquireLease']>) => {
            const answer = await target.acquireLease(...given)
            if ('heldBy' in answer) told()
            return answer
          }
        }
        const member: unknown = Reflect.get(target, name)
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
}

test('a bug shows its stack and asks for a report', async () => {
  await applied()
  const wrapStore = (store: StateStore) => ({
    ...store,
    url: store.url,
    close: () => store.close(),
    snapshot: () => Promise.reject(new TypeError('it is undefined')),
  })
  const { code, stdout, stderr } = await cli.run('list', { overrides: { wrapStore } })
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(
    /^error: this is a bug in trustform\nTypeError: it is undefined\n {4}at [\s\S]+please report it/,
  )
})

test('a secret is in no output of any command', async () => {
  const canary = 'canary-5b1e90cd'
  cli.write(
    'secret.yaml',
    `apiVersion: trustform/v1
kind: Secret
metadata: {name: token}
spec: {path: infra/token, data: {value: {env: TOKEN}, other: ${canary}}}
`,
  )
  const env = { TOKEN: canary }
  for (const line of [
    'validate -f DIR/secret.yaml',
    'render -f DIR/secret.yaml',
    'plan -f DIR/secret.yaml',
    'plan -f DIR/secret.yaml --json --out DIR/plan.json',
    'plan -f DIR/secret.yaml --format markdown',
    '--log-level debug apply -f DIR/secret.yaml --yes',
    'get Secret/token',
    'get Secret/token --format yaml',
    'state history --json',
    'state export',
  ]) {
    const { code, stdout, stderr } = await cli.run(line, { env })
    expect([line, code === 0, `${stdout}${stderr}`.includes(canary)]).toEqual([line, true, false])
  }
  expect(readFileSync(join(cli.folder, 'plan.json'), 'utf8')).not.toContain(canary)
  const shown = JSON.parse((await cli.run('get Secret/token', { env })).stdout)
  expect(shown.spec.data).toEqual({ value: '(secret)', other: '(secret)' })
})

test('init writes a starter that applies as it is, and never overwrites', async () => {
  const folder = join(cli.folder, 'new', 'pki')
  expect((await cli.run(['init', folder])).code).toBe(0)
  const file = join(folder, 'trustform.yaml')
  expect((await cli.run(['apply', '-f', file, '--yes'])).stdout).toBe('Apply: 4 done.\n')
  expect((await cli.run(['plan', '-f', file, '--detailed-exitcode'])).code).toBe(0)
  const again = await cli.run(['init', folder])
  expect([again.code, again.stderr.includes('exists already')]).toEqual([1, true])
})

test('validate reads the same with and without the short way', async () => {
  cli.write('wrong.yaml', small.replace('role: servers', 'role: server'))
  const quick = await cli.run('validate -f DIR/wrong.yaml')
  expect(await cli.run('validate --format text -f DIR/wrong.yaml')).toEqual(quick)
  expect(quick.code).toBe(1)
})

describe('for a person who starts', () => {
  test('--version prints the version alone', async () => {
    expect(await cli.run('--version')).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' })
  })

  test('the master key that was made is named once, so that somebody keeps a copy', async () => {
    const env = { TRUSTFORM_MASTER_KEY: '', XDG_CONFIG_HOME: join(cli.folder, 'config') }
    const first = await cli.run('apply -f DIR/small.yaml --yes', { env })
    expect(first.stderr).toContain(`the master key was made in ${join(env.XDG_CONFIG_HOME, 'trustform/master.key')}`)
    const second = await cli.run('renew Certificate/web --force', { env })
    expect(second.stderr).not.toContain('master key')
  })

  test('an exported state is restored elsewhere, and keys in it open', async () => {
    await applied()
    await cli.run('state export --out DIR/backup.json')
    const restored = await cli.run('state restore DIR/backup.json --state sqlite:DIR/other.db')
    expect([restored.code, restored.stdout]).toEqual([0, ''])
    const key = (at: string) => cli.run(`get Certificate/web --format key --state sqlite:DIR/${at}`)
    expect((await key('other.db')).stdout).toBe((await key('state.db')).stdout)
    expect((await cli.run('state restore DIR/backup.json --state sqlite:DIR/other.db')).code).toBe(1)
    expect((await cli.run('state restore DIR/none.json')).stderr).toContain('cannot read')
  })

  test('history --limit tells the newest changes', async () => {
    await applied()
    const serials = async (more: string) =>
      JSON.parse((await cli.run(`state history --json${more}`)).stdout).map((each: { serial: number }) => each.serial)
    expect(await serials(' --limit 2')).toEqual((await serials('')).slice(-2))
  })

  test("a configuration's error names what it is about once", async () => {
    cli.write('wrong.yaml', small.replace('role: servers', 'role: server'))
    expect((await cli.run('plan -f DIR/wrong.yaml')).stderr).toMatch(/^error: Certificate "\w+" does not name/)
  })
})
