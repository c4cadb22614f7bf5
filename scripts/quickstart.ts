/**
 * `npm run quickstart`: the main job on a state of its own, without network. Runs the same program that people run, in
 * examples/quickstart, and leaves what it made in examples/quickstart/out.
 */
import { spawnSync } from 'node:child_process'
import { randomBytes, X509Certificate } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import picocolors from 'picocolors'

const root = join(import.meta.dirname, '..')
process.chdir(root)
const example = join('examples', 'quickstart')
const out = join(example, 'out')
const paint = picocolors.createColors(process.stdout.isTTY === true && !process.env.NO_COLOR)

rmSync(out, { recursive: true, force: true })
mkdirSync(out, { mode: 0o700 })
const key = join(out, 'master.key')
const { TRUSTFORM_MASTER_KEY: _ignored, ...outer } = process.env
const env = {
  ...outer,
  TRUSTFORM_STATE: `sqlite:${join(out, 'state.db')}`,
  TRUSTFORM_MASTER_KEY_FILE: key,
  // Not even compiled code is left outside.
  NODE_DISABLE_COMPILE_CACHE: '1',
}

// Without it the key would be made in the user's configuration folder; here nothing outside `out` is touched.
writeFileSync(key, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 })

step('What would be done')
trustform('plan', '-f', example, '--out', join(out, 'plan.json'))

step('Do exactly that')
trustform('apply', join(out, 'plan.json'), '--yes')

step('What exists now, and until when')
trustform('list')

step('One chain and its key, to look at')
const files = { chain: join(out, 'web.fullchain.pem'), key: join(out, 'web.key'), root: join(out, 'root.pem') }
trustform('get', 'Certificate/web', '--format', 'fullchain', '--out', files.chain)
trustform('get', 'Certificate/web', '--format', 'key', '--out', files.key)
trustform('get', 'CertificateAuthority/acme-root', '--format', 'pem', '--out', files.root)
for (const file of Object.values(files)) say(`  ${mode(file)}  ${file}`)

step('Is it right?')
verify()

step('A second plan: nothing left to do')
trustform('plan', '-f', example, '--detailed-exitcode')

say(`\n${paint.green(paint.bold('Done.'))} Edit ${example}/*.yaml and plan again:\n`)
say(`  export TRUSTFORM_STATE=${env.TRUSTFORM_STATE} TRUSTFORM_MASTER_KEY_FILE=${key}`)
say(`  npm exec trustform -- plan -f ${example}`)

function step(title: string): void {
  say(`\n${paint.bold(paint.cyan(`── ${title} ${'─'.repeat(Math.max(3, 76 - title.length))}`))}\n`)
}

function command(...words: readonly string[]): void {
  say(paint.dim(`$ ${words.join(' ')}`))
}

/** Both streams go to stdout: here the reader is a person, and the order matters. */
function trustform(...words: readonly string[]): void {
  command('trustform', ...words)
  run(process.execPath, join('bin', 'trustform'), ...words)
}

function run(program: string, ...words: readonly string[]): void {
  const { status, error } = spawnSync(program, words, { env, stdio: ['ignore', 1, 1] })
  if (error) throw error
  if (status === 0) return
  say(paint.red(`\n${program} ended with ${status}; the quickstart stops here`))
  process.exit(1)
}

function verify(): void {
  const [leaf, issuer] = (
    readFileSync(files.chain, 'utf8').match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----/g) ?? []
  ).map(pem => new X509Certificate(pem))
  const anchor = new X509Certificate(readFileSync(files.root))
  const sound =
    leaf !== undefined &&
    issuer !== undefined &&
    leaf.verify(issuer.publicKey) &&
    issuer.verify(anchor.publicKey) &&
    leaf.checkHost('shop.internal.acme.example') !== undefined
  if (!sound) {
    say(paint.red('Node cannot verify the chain'))
    process.exit(1)
  }
  say(`${paint.green('✓')} Node: ${oneLine(leaf.subject)} is signed by ${oneLine(issuer.subject)},`)
  say(`        which is signed by ${oneLine(anchor.subject)}`)
  if (spawnSync('openssl', ['version']).error) {
    say(`${paint.yellow('-')} openssl is not installed here, so it was not asked`)
    return
  }
  const words = ['verify', '-purpose', 'sslserver', '-CAfile', files.root, '-untrusted', files.chain, files.chain]
  command('openssl', ...words)
  run('openssl', ...words)
}

function oneLine(subject: string): string {
  return subject.split('\n').at(-1) ?? subject
}

function mode(file: string): string {
  return (statSync(file).mode & 0o777).toString(8).padStart(4, '0')
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
