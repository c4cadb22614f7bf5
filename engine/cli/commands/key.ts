import { type ApiKey, EngineError, parseDuration, scopes, visible } from '../../index.ts'
import type { Context, Define } from '../context.ts'
import { fromNow } from '../expiry.ts'
import { exit } from '../io.ts'
import { table } from '../table.ts'
import { withEngine, withState } from '../with-engine.ts'

interface Making {
  readonly name: string
  readonly scopes: string
  readonly user: string
  readonly expires?: string
}

/** `trustform key …`: API keys of the service, by who may open its state. */
export const define: Define = (command, action) => {
  command
    .command('create')
    .description('make a key; it is printed once, alone, on stdout')
    .requiredOption('--name <name>', 'what it is for')
    .requiredOption('--scopes <scope,…>', `what it may do: ${Object.keys(scopes).join(', ')}`)
    .option('--user <id>', 'whose key it is', 'operator')
    .option('--expires <duration>', 'its end, from now: 90d, 720h, …')
    .action(action(create))
  command
    .command('list')
    .description('every key and what it may do, never its value')
    .option('--json', 'print an array of keys')
    .action(action(list))
  command
    .command('revoke')
    .description('end a key at once')
    .argument('<id>', 'its id, as `key list` shows it')
    .action(action(revoke))
}

async function create(context: Context, options: Making): Promise<number> {
  const { io } = context
  const expiresAt = options.expires === undefined ? undefined : endOf(options.expires, nowOf(context))
  const { key, token } = await withEngine(context, engine =>
    engine.keys.create({
      userId: options.user,
      name: options.name,
      scopes: options.scopes
        .split(',')
        .map(scope => scope.trim())
        .filter(Boolean),
      ...(expiresAt && { expiresAt }),
    }),
  )
  io.stdout.write(`${token.reveal()}\n`)
  io.stderr.write(`${key.id} may ${key.scopes.join(', ')}; keep the key, it is not shown again\n`)
  return exit.done
}

async function list(context: Context, { json }: { readonly json?: boolean }): Promise<number> {
  const keys = await withState(context, engine => engine.keys.list())
  const { stdout, stderr } = context.io
  if (json) stdout.write(`${JSON.stringify(keys.map(jsonOf), null, 2)}\n`)
  else if (keys.length === 0) stderr.write('there is no API key\n')
  else {
    const now = nowOf(context)
    stdout.write(
      table(
        ['id', 'name', 'user', 'key', 'state', 'last used', 'scopes'],
        keys.map(key => [
          key.id,
          visible(key.name),
          visible(key.userId),
          `${key.prefix}…`,
          stateOf(key, now),
          key.lastUsedAt === undefined ? 'never' : fromNow(key.lastUsedAt, now),
          key.scopes.join(','),
        ]),
      ),
    )
  }
  return exit.done
}

async function revoke(context: Context, id: string): Promise<number> {
  const revoked = await withState(context, engine => engine.keys.revoke(id))
  if (!revoked) {
    throw new EngineError('not_found', `there is no key ${visible(id)} that could be revoked`, {
      remedy: '`trustform key list` shows the keys of this tenant',
    })
  }
  context.io.stderr.write(`${visible(id)} is revoked\n`)
  return exit.done
}

/** Every key has the same fields. */
function jsonOf({ id, name, userId, prefix, scopes: granted, createdAt, ...ends }: ApiKey) {
  const { expiresAt = null, lastUsedAt = null, revokedAt = null } = ends
  return { id, name, user: userId, prefix, scopes: granted, createdAt, expiresAt, lastUsedAt, revokedAt }
}

function stateOf({ revokedAt, expiresAt }: ApiKey, now: Date): string {
  if (revokedAt !== undefined) return 'revoked'
  if (expiresAt === undefined) return 'active'
  return Date.parse(expiresAt) <= now.getTime() ? 'expired' : `ends ${fromNow(expiresAt, now)}`
}

function endOf(text: string, now: Date): Date {
  try {
    return new Date(now.getTime() + parseDuration(text) * 1000)
  } catch (error) {
    throw new EngineError('usage', `--expires ${text} is not a duration`, {
      remedy: 'use for example 90d or 720h',
      cause: error,
    })
  }
}

const nowOf = ({ overrides }: Context): Date => overrides.clock?.now() ?? new Date()
