import { EngineError, type ErrorCode, visible } from '../../engine/index.ts'
import { branchRef } from './git/names.ts'
import { parseGitUrl } from './git/url.ts'
import type { SourceSpec } from './source.ts'

/** What is wrong with a field of a source. */
export interface SpecProblem {
  /** Below the source, with its field as `SourceSpec` calls it: `/paths/1`. */
  readonly pointer: string
  readonly code: ErrorCode
  readonly message: string
  readonly remedy: string
}

export interface CheckOptions {
  /** Also take http:// and file://, for tests. */
  readonly allowInsecure: boolean
}

/**
 * Everything that is wrong with a source beyond its schema, found out before anything is asked of anybody: a URL or a
 * branch that could become an option of git, a path that leads out of the repository, keys that let nobody sign.
 */
export async function problemsOf(
  spec: Pick<SourceSpec, 'url' | 'branch' | 'paths' | 'requireSignedBy'>,
  { allowInsecure }: CheckOptions,
): Promise<readonly SpecProblem[]> {
  const { url, branch, paths, requireSignedBy: signers } = spec
  const found = [
    await problemAt('/url', () => parseGitUrl(url, { allowInsecure })),
    await problemAt('/branch', () => branchRef(branch)),
    ...(await Promise.all(paths.map((path, index) => problemAt(`/paths/${index}`, () => checkPath(path))))),
    ...(await Promise.all(
      Object.entries(signers ?? {})
        .filter(([field]) => field === 'sshAllowedSigners' || field === 'pgpKeys')
        .map(([field, text]) => problemAt(`/requireSignedBy/${field}`, () => checkKeys({ [field]: text }))),
    )),
    signers && Object.keys(signers).every(field => field === 'since') ? noKeys : undefined,
  ]
  return found.filter(problem => problem !== undefined)
}

const noKeys: SpecProblem = {
  pointer: '/requireSignedBy',
  code: 'schema_violation',
  message: 'requireSignedBy names no key',
  remedy: 'give sshAllowedSigners or pgpKeys',
}

async function problemAt(pointer: string, check: () => unknown): Promise<SpecProblem | undefined> {
  try {
    await check()
    return undefined
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    // Nobody was asked yet: what is refused is the field, not a repository.
    const code = error.code === 'git_refused' ? 'schema_violation' : error.code
    return { pointer, code, message: error.message, remedy: error.remedy ?? 'correct it' }
  }
}

function checkPath(path: string): void {
  const leadsOut = path.startsWith('/') || path.split('/').includes('..')
  if (!leadsOut && visible(path) === path) return
  const problem = leadsOut ? 'leads out of the repository' : 'holds control characters'
  throw new EngineError('schema_violation', `the path "${visible(path)}" ${problem}`, {
    remedy: 'name a folder of the repository, such as certificates',
  })
}

/** Loaded where needed: a service without signatures does not pay for the programs that verify them. */
async function checkKeys(keys: NonNullable<SourceSpec['requireSignedBy']>): Promise<void> {
  const { createSignaturePolicy, requireSignedBy } = await import('./signatures/policy.ts')
  await createSignaturePolicy(await requireSignedBy(keys))
}
