import { spawn } from 'node:child_process'

/** A bare repository on disk, with what tests do to one. It has no work tree: contents are written as objects. */
export interface GitFolder {
  readonly path: string
  /**
   * Puts a commit on a branch with exactly these files and gives its name. The parents are the branch's head unless
   * they are given; a branch that has other parents is thereby force-pushed.
   */
  commit(files: Files, options?: CommitOptions): Promise<string>
  /** Makes a ref point to a commit, or removes it. */
  point(ref: string, commit: string | undefined): Promise<void>
  /** Runs git in it. */
  git(args: readonly string[], input?: string | Buffer): Promise<string>
}

/** Content by path; a text is a regular file. */
export type Files = Readonly<Record<string, string | Special>>

/** An entry of a tree as git stores it: any mode, and an object that may not even exist. */
export interface Special {
  readonly mode: '100644' | '100755' | '120000' | '160000' | '040000'
  /** Content of a new blob, or the name of an object. */
  readonly content?: string
  readonly object?: string
}

export interface CommitOptions {
  readonly branch?: string
  readonly message?: string
  readonly parents?: readonly string[]
  /** Settings of git that make it sign (`gpg.format`, `user.signingKey`); signed when given. */
  readonly signing?: Readonly<Record<string, string>>
  readonly date?: string
  readonly env?: Readonly<Record<string, string>>
}

const identity = { name: 'Ada', email: 'ada@example.test' }

export async function makeBare(path: string): Promise<void> {
  await runGit(path, ['init', '--quiet', '--bare', '--initial-branch=main', '.'])
}

export function openGitFolder(path: string): GitFolder {
  const git: GitFolder['git'] = (args, input) => runGit(path, args, input)

  async function head(branch: string): Promise<readonly string[]> {
    const found = await git(['for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`])
    return found.trim() === '' ? [] : [found.trim()]
  }

  return {
    path,
    git,

    async commit(files, options = {}) {
      const { branch = 'main', message = 'Change', signing, date = '1700000000 +0000' } = options
      const tree = await writeTree(git, files)
      const parents = options.parents ?? (await head(branch))
      const settings = Object.entries(signing ?? {}).flatMap(([key, value]) => ['-c', `${key}=${value}`])
      const args = [
        ...settings,
        'commit-tree',
        ...(signing ? ['-S'] : []),
        ...parents.flatMap(parent => ['-p', parent]),
        '-m',
        message,
        tree,
      ]
      const env = { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date, ...options.env }
      const commit = (await runGit(path, args, undefined, env)).trim()
      await git(['update-ref', `refs/heads/${branch}`, commit])
      return commit
    },

    async point(ref, commit) {
      await git(commit === undefined ? ['update-ref', '-d', ref] : ['update-ref', ref, commit])
    },
  }
}

/** Writes nested trees from flat paths, without an index: that would refuse what the tests need. */
export async function writeTree(git: GitFolder['git'], files: Files): Promise<string> {
  const lines: string[] = []
  const folders = new Map<string, Record<string, string | Special>>()
  for (const [path, content] of Object.entries(files)) {
    const slash = path.indexOf('/')
    if (slash >= 0) {
      const folder = folders.get(path.slice(0, slash)) ?? {}
      folder[path.slice(slash + 1)] = content
      folders.set(path.slice(0, slash), folder)
      continue
    }
    const special: Special = typeof content === 'string' ? { mode: '100644', content } : content
    const object = special.object ?? (await git(['hash-object', '-w', '--stdin'], special.content ?? '')).trim()
    lines.push(`${special.mode} ${types[special.mode]} ${object}\t${path}`)
  }
  for (const [name, inner] of folders) lines.push(`040000 tree ${await writeTree(git, inner)}\t${name}`)
  return (await git(['mktree', '--missing', '-z'], lines.map(line => `${line}\0`).join(''))).trim()
}

const types = { 100644: 'blob', 100755: 'blob', 120000: 'blob', 160000: 'commit', '040000': 'tree' } as const

function runGit(
  cwd: string,
  args: readonly string[],
  input?: string | Buffer,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', args, {
      cwd,
      env: {
        PATH: process.env.PATH ?? '',
        HOME: cwd,
        GIT_DIR: cwd,
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_AUTHOR_NAME: identity.name,
        GIT_AUTHOR_EMAIL: identity.email,
        GIT_COMMITTER_NAME: identity.name,
        GIT_COMMITTER_EMAIL: identity.email,
        ...env,
      },
    })
    const out: Buffer[] = []
    let said = ''
    child.stdout.on('data', chunk => out.push(chunk))
    child.stderr.on('data', chunk => {
      said += chunk
    })
    child.stdin.on('error', () => undefined)
    child.on('error', reject)
    child.on('close', code => {
      if (code === 0) resolve(Buffer.concat(out).toString('utf8'))
      else reject(new Error(`git ${args.join(' ')} failed (${code}): ${said}`))
    })
    child.stdin.end(input)
  })
}
