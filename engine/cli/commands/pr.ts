import { readFile } from 'node:fs/promises'
import type { PreviewContent, PreviewContext } from '../../../reconciler/previews/content.ts'
import { createHttp, type Diagnostic, EngineError, isJsonObject, type PlanDocument, systemPorts } from '../../index.ts'
import { ciJob } from '../ci.ts'
import type { Context, Define } from '../context.ts'
import { exit } from '../io.ts'

interface Options {
  readonly forge?: 'github' | 'gitlab' | 'gitea'
  readonly url?: string
  readonly repository?: string
  readonly pull?: number
  readonly commit?: string
  readonly source: string
  readonly link?: string
  readonly plan?: string
  readonly markdown?: string
  readonly diagnostics?: string
  readonly failed?: string
  readonly pending?: boolean
  readonly status: boolean
  readonly print?: boolean
}

/** `trustform pr …`: pull requests from CI, without a service. */
export const define: Define = (command, action) => {
  const comment = command
    .command('comment')
    .description('keep one comment of a pull request up to date; a token in TRUSTFORM_FORGE_TOKEN')
  comment
    .addOption(comment.createOption('--plan <file>', 'what `plan --json` printed'))
    .option('--diagnostics <file>', 'what `validate --format json` printed')
    .option('--markdown <file>', 'what `plan --format markdown` printed')
    .option('--failed <file>', 'what was printed when no plan could be made')
    .option('--pending', 'say that a plan is being made')
    .option('--source <name>', 'tells the comments of several configurations apart', 'certificates')
    .addOption(
      comment
        .createOption('--forge <forge>', 'the kind of forge; known in its own CI')
        .choices(['github', 'gitlab', 'gitea']),
    )
    .option('--url <url>', 'address of the forge; known in its own CI')
    .option('--repository <path>', 'owner/name; known in its own CI')
    .option('--pull <number>', 'the pull or merge request; known in its own CI', numberOf)
    .option('--commit <commit>', 'the head commit that was planned; without it the present one')
    .option('--link <url>', 'where the whole plan is; the job in CI')
    .option('--no-status', 'set no commit status')
    .option('--print', 'print the comment instead')
    .action(action(keepComment))
}

async function keepComment(context: Context, options: Options): Promise<number> {
  const { io } = context
  const job = ciJob(io.env)
  const link = options.link ?? job?.link
  const content = await contentOf(options)
  const about = { source: options.source, apply: 'elsewhere', ...(link !== undefined && { url: link }) } as const
  if (options.print) {
    const { renderComment } = await import('../../../reconciler/previews/comment.ts')
    const commit = options.commit ?? job?.commit ?? ''
    const given: PreviewContext = { ...about, commit, limit: 65_536 }
    io.stdout.write(await renderComment(content, given))
    return exit.done
  }
  const pull = options.pull ?? job?.pull
  const forgeType = options.forge ?? job?.forge
  const repository = options.repository ?? job?.repository
  if (pull === undefined) throw missing('--pull', 'which pull request it is')
  if (forgeType === undefined) throw missing('--forge', 'which kind of forge it is')
  if (repository === undefined) throw missing('--repository', 'which repository it is')
  const url = options.url ?? (options.forge === undefined || options.forge === job?.forge ? job?.url : undefined)
  const token = io.env.TRUSTFORM_FORGE_TOKEN || io.env[job?.token ?? ''] || ''
  if (token === '') {
    throw new EngineError('usage', 'there is no token for the forge', {
      remedy: `set TRUSTFORM_FORGE_TOKEN${job ? ` or ${job.token}` : ''} in the environment`,
    })
  }
  const http = await createHttp()
  try {
    const { createForge } = await import('../../../reconciler/forges/registry.ts')
    const forge = await createForge({
      ...{ type: forgeType, repository, token, http, clock: context.overrides.clock ?? (await systemPorts()).clock },
      ...(url !== undefined && { url }),
      // A job can wait for what a service would come back to.
      patience: 60,
    })
    const found = await forge.pullRequest(pull)
    if (found === undefined) {
      throw new EngineError('not_found', `${repository} has no pull request ${pull}`, { remedy: 'check --pull' })
    }
    const planned = options.commit ?? job?.commit ?? found.headCommit
    if (planned !== found.headCommit) {
      // A later job tells about the later commit; an earlier one must not overwrite it.
      io.stderr.write(`nothing was written: the pull request has another head commit by now, ${found.headCommit}\n`)
      return exit.done
    }
    const { publishPreview } = await import('../../../reconciler/previews/publish.ts')
    const given = { ...about, commit: planned, fromFork: found.fromFork && content.type === 'plan' }
    await publishPreview(forge, pull, content, given, { status: options.status })
    io.stderr.write(`the comment of pull request ${pull} is up to date\n`)
    return exit.done
  } finally {
    await http.close()
  }
}

async function contentOf(options: Options): Promise<PreviewContent> {
  const { plan, diagnostics, markdown, failed, pending } = options
  const given = [plan, diagnostics, markdown, failed, pending].filter(each => each !== undefined)
  if (given.length !== 1) {
    throw new EngineError('usage', 'pr comment tells one thing', {
      remedy: 'name one of --plan, --diagnostics, --markdown, --failed and --pending',
    })
  }
  if (plan !== undefined) return { type: 'plan', document: planOf(await read(plan), plan) }
  if (diagnostics !== undefined) {
    return { type: 'invalid', diagnostics: diagnosticsOf(await read(diagnostics), diagnostics) }
  }
  if (markdown !== undefined) return { type: 'markdown', text: await read(markdown) }
  if (failed !== undefined) return { type: 'failed', message: await read(failed) }
  return { type: 'pending' }
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new EngineError('input_unreadable', `${path} cannot be read`, { remedy: 'check the path', cause })
  }
}

function planOf(text: string, path: string): PlanDocument {
  const json = parsed(text)
  const { formatVersion, summary, changes, drift, preflight } = isJsonObject(json) ? json : {}
  const lists = [changes, drift, preflight].every(Array.isArray)
  if (formatVersion === '1.0' && isJsonObject(summary) && lists) return json as unknown as PlanDocument // its version says so
  throw unlike(path, 'plan', 'make it with trustform plan --json')
}

function diagnosticsOf(text: string, path: string): readonly Diagnostic[] {
  const json = parsed(text)
  const { formatVersion, diagnostics } = isJsonObject(json) ? json : {}
  if (formatVersion === '1.0' && Array.isArray(diagnostics)) return diagnostics as readonly Diagnostic[] // as above
  throw unlike(path, 'list of diagnostics', 'make it with trustform validate --format json')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function unlike(path: string, what: string, remedy: string): EngineError {
  return new EngineError('input_unreadable', `${path} is no ${what}`, { remedy })
}

function missing(option: string, what: string): EngineError {
  return new EngineError('usage', `pr comment needs ${option} outside of CI`, { remedy: `say ${what} with ${option}` })
}

function numberOf(text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number > 0) return number
  throw new EngineError('usage', `--pull ${text} is no number of a pull request`, { remedy: 'use for example 7' })
}
