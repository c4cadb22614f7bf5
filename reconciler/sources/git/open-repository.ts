import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { EngineError, type Http, type SourceFiles } from '../../../engine/index.ts'
import type { Egress } from '../../net/egress.ts'
import type { Commit, Fetched, Merged, Repository } from '../repository.ts'
import {
  cacheSize,
  packCount,
  prepareCache,
  repositoryFolder,
  resetCache,
  sweepCache,
  whileSmallerThan,
} from './cache-folder.ts'
import { parseCommit } from './commit.ts'
import type { GitCredentials } from './credentials.ts'
import { type Exchange, withExchange } from './exchange.ts'
import { DamagedCache } from './failure.ts'
import { gitFiles } from './files.ts'
import { defaultLimits, type GitLimits } from './limits.ts'
import { mergeCommits } from './merge.ts'
import { branchRef, checkCommit, checkRef } from './names.ts'
import { ObjectReader } from './objects.ts'
import { withPullRequests } from './pull-requests.ts'
import { askRefs, type Refs } from './remote-refs.ts'
import { runGit } from './run.ts'
import { parseGitUrl } from './url.ts'

export interface RepositoryOptions {
  /** Where the bare repository is kept; made with mode 0700. One process at a time. */
  readonly folder: string
  readonly url: string
  /** Asked before each exchange; see `credentialsOf`. */
  readonly credentials?: () => Promise<GitCredentials>
  /** Also take http:// and file://, for tests. */
  readonly allowInsecure?: boolean
  /** Asks servers where their branches are; carries its own guard. */
  readonly http: Http
  /** Checks the address that git itself connects to. */
  readonly egress?: Pick<Egress, 'addressOf'>
  readonly limits?: Partial<GitLimits>
  /** PEM roots for this server instead of the system's. */
  readonly trustedRoots?: readonly string[]
}

/** Opens the cache of a repository; nothing is asked of the other side before `fetch` or `headOf`. */
export async function openRepository(options: RepositoryOptions): Promise<Repository> {
  const { text: url } = parseGitUrl(options.url, options)
  const limits = { ...defaultLimits, ...options.limits }
  const { folder } = options
  const open = async (own: CacheOptions) => {
    await prepareCache(own.folder, own.borrowsFrom)
    return new GitRepository(own, limits)
  }
  const branch = await open({ ...options, url })
  return withPullRequests(branch, () => open({ ...options, url, folder: join(folder, 'pulls'), borrowsFrom: folder }))
}

interface CacheOptions extends RepositoryOptions {
  /** The folder of a cache whose objects this one need not have itself. */
  readonly borrowsFrom?: string
}

/**
 * Refs of the other side are kept under these names, so that what they need is never tidied away. A digest, because
 * `a` and `a/b` cannot both be refs, but may be at different times.
 */
const kept = (ref: string) => `refs/kept/${createHash('sha256').update(ref).digest('hex')}`

/** Every fetch leaves a pack; beyond these they are joined, because a reader looks for an object in each. */
const mostPacks = 50

class GitRepository implements Repository {
  readonly #options: CacheOptions
  readonly #limits: GitLimits
  readonly #objects: ObjectReader
  /** What lies in the cache, by kept name; undefined until it was looked at. */
  #here: ReadonlyMap<string, string> | undefined
  /** Why the refs as they stood were refused: the same is not fetched again only to be refused again. */
  #refused: { readonly refs: string; readonly error: EngineError } | undefined
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: CacheOptions, limits: GitLimits) {
    this.#options = options
    this.#limits = limits
    this.#objects = new ObjectReader(repositoryFolder(options.folder))
  }

  async headOf(branch: string, signal?: AbortSignal): Promise<string> {
    const ref = branchRef(branch)
    return this.#inTurn(() =>
      this.#exchange(async exchange => {
        const refs = await this.#ask(exchange, [ref], signal)
        return refs.get(ref) ?? this.#missing(exchange, branch, signal)
      }),
    )
  }

  async fetch(branch: string, refs: readonly string[] = [], signal?: AbortSignal): Promise<Fetched> {
    const main = branchRef(branch)
    const extra = refs.map(ref => checkRef(ref))
    return this.#inTurn(() =>
      this.#exchange(async exchange => {
        const there = await this.#ask(exchange, [main, ...extra], signal)
        if (!there.has(main)) return this.#missing(exchange, branch, signal)
        // The branch by itself first: a pull request that is too large must not keep it from arriving.
        await this.#bring(exchange, [main], there, signal)
        await this.#bring(exchange, extra, there, signal)
        // The extra ones may have filled the cache, so that it was made anew.
        await this.#bring(exchange, [main], there, signal)
        const here = await this.#known()
        const head = here.get(kept(main))
        if (head === undefined) return this.#missing(exchange, branch, signal)
        const found = extra.flatMap(ref => {
          const name = there.has(ref) ? here.get(kept(ref)) : undefined
          return name === undefined ? [] : [[ref, name] as const]
        })
        return { head, refs: new Map(found) }
      }),
    )
  }

  filesAt(commit: string): SourceFiles {
    return gitFiles(this.#objects, checkCommit(commit), this.#limits)
  }

  async commitObject(id: string): Promise<Uint8Array | undefined> {
    const answer = await this.#objects.read(checkCommit(id), 'commit', this.#limits.commitSize)
    if (answer !== undefined && 'tooLarge' in answer) {
      throw new EngineError('git_hostile', `commit ${id.slice(0, 12)} is larger than any message needs`, {
        remedy: 'remove it from the branch',
        details: { reason: 'commit_too_large' },
      })
    }
    return answer?.octets
  }

  async isAncestor(ancestor: string, commit: string): Promise<boolean> {
    checkCommit(commit)
    if (ancestor === commit) return true
    // The whole history of what was fetched is here; so what is not here is not in it.
    if ((await this.#objects.info(checkCommit(ancestor)))?.type !== 'commit') return false
    const printed = await this.#git(['rev-list', '--max-count=1', ancestor, `^${commit}`])
    return printed.trim() === ''
  }

  async merge(into: string, commit: string, signal?: AbortSignal): Promise<Merged> {
    if (await this.isAncestor(into, commit)) return { type: 'merged', commit }
    const { askTime: timeout } = this.#limits
    const call = { folder: repositoryFolder(this.#options.folder), timeout, signal }
    return mergeCommits(call, checkCommit(into), checkCommit(commit))
  }

  async commitsBetween(from: string | undefined, to: string): Promise<readonly Commit[]> {
    const known = from !== undefined && (await this.#objects.info(checkCommit(from)))?.type === 'commit'
    const args = ['rev-list', `--max-count=${this.#limits.commits}`, checkCommit(to), ...(known ? [`^${from}`] : [])]
    const ids = (await this.#git(args)).split('\n').filter(line => line !== '')
    const commits: Commit[] = []
    for (let at = 0; at < ids.length; at += 256) {
      commits.push(...(await Promise.all(ids.slice(at, at + 256).map(id => this.#commit(id)))))
    }
    return commits
  }

  async close(): Promise<void> {
    await this.#turn.catch(() => undefined)
    this.#objects.close()
  }

  async #commit(id: string): Promise<Commit> {
    const octets = await this.commitObject(id)
    const parsed = octets && parseCommit(octets)
    return {
      id,
      author: parsed?.author ?? '',
      subject: parsed?.subject ?? '',
      at: (parsed?.committedAt ?? new Date(0)).toISOString(),
    }
  }

  #git(args: readonly string[], signal?: AbortSignal): Promise<string> {
    return runGit({ folder: repositoryFolder(this.#options.folder), args, timeout: this.#limits.askTime, signal })
  }

  #exchange<T>(work: (exchange: Exchange) => Promise<T>): Promise<T> {
    const { folder, credentials, allowInsecure = false, egress, trustedRoots, url } = this.#options
    const parsed = parseGitUrl(url, { allowInsecure })
    return withExchange({ folder, url: parsed, credentials, allowInsecure, egress, trustedRoots }, work)
  }

  /** One at a time: they share the cache folder. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  #ask({ settings, secrets }: Exchange, prefixes: readonly string[], signal?: AbortSignal): Promise<Refs> {
    const { folder, http, trustedRoots, url, allowInsecure = false } = this.#options
    const parsed = parseGitUrl(url, { allowInsecure })
    return askRefs(
      { folder, url: parsed, http, settings, secrets, trustedRoots, limits: this.#limits, signal },
      prefixes,
    )
  }

  /** Tells a branch that is not there from a repository that holds nothing yet. */
  async #missing(exchange: Exchange, branch: string, signal?: AbortSignal): Promise<never> {
    const branches = await this.#ask(exchange, ['refs/heads/'], signal)
    const names = [...branches.keys()].map(ref => ref.replace('refs/heads/', ''))
    const [message, reason] =
      names.length === 0
        ? ['the repository has no commit yet', 'repository_empty']
        : [`the repository has no branch "${branch}"`, 'branch_missing']
    throw new EngineError('git_refused', message, {
      remedy: names.length === 0 ? 'push the first commit' : 'restore the branch, or name another; nothing was deleted',
      details: { reason },
    })
  }

  /** Makes sure that what these refs point to at the other side is here. */
  async #bring(exchange: Exchange, refs: readonly string[], there: Refs, signal?: AbortSignal): Promise<void> {
    const here = await this.#known()
    const moved = refs.filter(ref => there.has(ref) && there.get(ref) !== here.get(kept(ref)))
    if (moved.length === 0) return
    const asked = moved.map(ref => `${ref} ${there.get(ref)}`).join('\n')
    if (this.#refused?.refs === asked) throw this.#refused.error
    try {
      await this.#bringOrReset(exchange, moved, signal)
    } catch (error) {
      if (error instanceof EngineError && error.code === 'git_hostile') this.#refused = { refs: asked, error }
      throw error
    } finally {
      this.#here = undefined
    }
  }

  /** A cache that is damaged, or full of what is no longer asked for, is made anew once. */
  async #bringOrReset(exchange: Exchange, refs: readonly string[], signal?: AbortSignal): Promise<void> {
    const { folder, borrowsFrom } = this.#options
    const before = await cacheSize(folder)
    // What strangers push is downloaded again only where most of what filled the cache was there before.
    const mayBeOld = before > (borrowsFrom === undefined ? 0 : this.#limits.size / 2)
    try {
      await this.#download(exchange, refs, signal)
    } catch (error) {
      const full = error instanceof EngineError && error.details?.reason === 'repository_too_large'
      if (full || error instanceof DamagedCache) {
        this.#objects.restart()
        await resetCache(folder, borrowsFrom)
      }
      if (!(error instanceof DamagedCache) && !(full && mayBeOld)) throw error
      await this.#download(exchange, refs, signal)
    }
  }

  async #download({ settings, secrets }: Exchange, refs: readonly string[], signal?: AbortSignal): Promise<void> {
    const { folder } = this.#options
    const { size, fetchTime } = this.#limits
    const specs = refs.map(ref => `+${ref}:${kept(ref)}`)
    const args = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--no-auto-gc']
    await whileSmallerThan(folder, size, signal, each =>
      runGit({
        folder: repositoryFolder(folder),
        args: [...args, '--', settings.url?.text ?? '', ...specs],
        settings,
        secrets,
        timeout: fetchTime,
        signal: each,
      }),
    ).catch(async error => {
      await sweepCache(folder)
      throw error
    })
    // That packs could not be joined is no reason to refuse what was fetched.
    if ((await packCount(folder)) > mostPacks) await this.#git(['gc', '--quiet']).catch(() => undefined)
  }

  async #known(): Promise<ReadonlyMap<string, string>> {
    if (this.#here) return this.#here
    const printed = await this.#git(['for-each-ref', '--format=%(objectname) %(refname)', 'refs/kept/'])
    const lines = printed.split('\n').filter(line => line !== '')
    this.#here = new Map(lines.map(line => [line.slice(41), line.slice(0, 40)]))
    return this.#here
  }
}
