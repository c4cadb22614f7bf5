import { spawn } from 'node:child_process'
import { createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { GitFolder } from '../servers/git-folder.ts'
import { authorities, certificate, trustform } from './fleet.ts'
import { measure } from './measure.ts'

/** `bin/trustform serve` on a state of its own, as a process of its own, with what a bench asks of it. */
export interface BenchService {
  readonly url: string
  readonly pid: number
  get<T>(path: string): Promise<T>
  post(path: string): Promise<void>
  source(name: string): Promise<SourceView>
  /** Sends the signed webhook of a push to a source of the generic kind. */
  deliver(source: string): Promise<void>
  stop(): Promise<void>
}

export interface SourceView {
  readonly id: string
  readonly name: string
  readonly applied_commit?: string
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly message: string }[]
}

export const hookSecret = 'bench-hook-secret'
/** `--cpu-prof` and the like, for whoever looks for where the time goes. */
const nodeOptions = process.env.TRUSTFORM_BENCH_NODE_OPTIONS

export async function startBenchService(
  sources: readonly object[],
  env: Readonly<Record<string, string>> = {},
): Promise<BenchService> {
  const folder = await mkdtemp(join(tmpdir(), 'trustform-bench-'))
  const file = { egress: { allow: ['127.0.0.0/8'] }, git: { allowInsecure: true }, state: 'sqlite:state.db', sources }
  writeFileSync(join(folder, 'reconciler.yaml'), JSON.stringify(file))
  const variables = {
    HOME: folder,
    TRUSTFORM_MASTER_KEY: randomBytes(32).toString('base64'),
    TRUSTFORM_STATE: 'sqlite:state.db',
    HOOK_SECRET: hookSecret,
    ...env,
  }
  const scopes = 'sources:read,sources:write,plans:read,runs:read'
  const args = ['key', 'create', '--name', 'bench', '--scopes', scopes]
  const created = await measure({ command: trustform, args, cwd: folder, env: variables })
  const headers = { authorization: `Bearer ${created.stdout.trim()}` }

  const child = spawn(trustform, ['serve', '--listen', '127.0.0.1:0', '--log-level', 'warn'], {
    cwd: folder,
    env: { ...process.env, ...variables, ...(nodeOptions !== undefined && { NODE_OPTIONS: nodeOptions }) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = once(child, 'exit')
  let printed = ''
  const url = await new Promise<string>((found, fail) => {
    child.stderr.on('data', (chunk: Buffer) => {
      printed = (printed + chunk.toString()).slice(-100_000)
      const [, address] = /^listening on (http:\S+)$/m.exec(printed) ?? []
      if (address !== undefined) found(address)
    })
    ended.then(() => fail(new Error(`the service ended: ${printed.slice(-4000)}`)), fail)
  })

  async function ask(method: string, path: string): Promise<Response> {
    const response = await fetch(url + path, { method, headers })
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`)
    return response
  }
  // What the service answers is held to its own document by its own tests.
  const get = async <T>(path: string) => (await (await ask('GET', path)).json()) as T

  return {
    url,
    pid: child.pid ?? 0,
    get,
    post: async path => void (await ask('POST', path)).body?.cancel(),
    async source(name) {
      for (let query = ''; ; ) {
        const page = await get<{ data: SourceView[]; next_cursor?: string }>(`/v1/sources?limit=100${query}`)
        const found = page.data.find(each => each.name === name)
        if (found) return found
        if (page.next_cursor === undefined) throw new Error(`there is no source ${name}`)
        query = `&cursor=${page.next_cursor}`
      }
    },
    async deliver(source) {
      const body = JSON.stringify({ branch: 'main', id: randomBytes(8).toString('hex') })
      const signature = `sha256=${createHmac('sha256', hookSecret).update(body).digest('hex')}`
      const sent = { 'content-type': 'application/json', 'x-trustform-signature': signature }
      const response = await fetch(`${url}/v1/hooks/${source}`, { method: 'POST', headers: sent, body })
      if (!response.ok) throw new Error(`the hook answered ${response.status}`)
      await response.body?.cancel()
    },
    async stop() {
      child.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Asks every 20 ms until the answer satisfies. */
export async function until<T>(ask: () => Promise<T>, satisfied: (answer: T) => boolean, seconds = 60): Promise<T> {
  for (const deadline = performance.now() + seconds * 1000; ; ) {
    const answer = await ask()
    if (satisfied(answer)) return answer
    if (performance.now() > deadline) throw new Error(`never came true: ${JSON.stringify(answer).slice(0, 2000)}`)
    await sleep(20)
  }
}

/** A source in `reconciler.yaml` whose webhook is signed with `hookSecret`. */
export const sourceOf = (name: string, { url }: { readonly url: string }, more: object = {}): object => ({
  ...{ name, url, paths: ['base'], interval: '1h', autoApply: true, webhookSecret: { env: 'HOOK_SECRET' } },
  ...more,
})

const perFile = 10

/** Manifests of that many resources, ten to a file, by path. */
export function manifests(resources: number, prefix = ''): Map<string, string> {
  const certificates = resources - 3
  const files = new Map([['base/authorities.yaml', authorities(prefix)]])
  for (let first = 0; first < certificates; first += perFile) {
    files.set(certificateFile(first), certificatesFrom(first, Math.min(perFile, certificates - first), prefix))
  }
  return files
}

const certificateFile = (number: number) => `base/certificates-${Math.floor(number / perFile)}.yaml`

function certificatesFrom(first: number, count: number, prefix = '', changed = -1, generation = 0): string {
  const numbers = Array.from({ length: count }, (_, i) => first + i)
  return numbers.map(each => certificate(each, prefix, each === changed ? generation : 0)).join('---\n')
}

/** A file in the middle, in which one certificate asks for another name in each generation. */
export function changedFile(generation: number): readonly [path: string, text: string] {
  const number = 500
  return [certificateFile(number), certificatesFrom(number, perFile, '', number, generation)]
}

/** Puts a commit on `main` that writes these files and keeps all others. Answers its name. */
export async function commitTo(repository: GitFolder, files: Iterable<readonly [string, string]>): Promise<string> {
  const known = (await repository.git(['for-each-ref', 'refs/heads/main'])) !== ''
  const lines = ['commit refs/heads/main', 'committer Bench <bench@example.test> 1700000000 +0000', 'data 6', 'Change']
  if (known) lines.push('from refs/heads/main^0')
  for (const [path, text] of files) {
    lines.push(`M 100644 inline ${path}`, `data ${Buffer.byteLength(text)}`, text)
  }
  await repository.git(['fast-import', '--quiet'], `${lines.join('\n')}\n`)
  return (await repository.git(['rev-parse', 'refs/heads/main'])).trim()
}

/** Processor time so far and memory at the moment, of a process and of everything that it started. */
export function usageOf(pid: number): { readonly cpuSeconds: number; readonly rssMiB: number } {
  let ticks = 0
  let kiB = 0
  const count = (each: number) => {
    try {
      // proc(5): after the name, field 3 comes first; 14 to 17 are own and ended children's user and system time.
      const fields = readFileSync(`/proc/${each}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ')
      ticks += fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
      kiB += Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${each}/status`, 'latin1'))?.[1] ?? 0)
      const children = readFileSync(`/proc/${each}/task/${each}/children`, 'latin1')
      for (const child of children.split(' ')) if (child.trim() !== '') count(Number(child))
    } catch (error) {
      if (each === pid) throw error // a child has just ended, and then counts as its parent's
    }
  }
  count(pid)
  return { cpuSeconds: ticks / 100, rssMiB: kiB / 1024 }
}
