import { randomInt } from 'node:crypto'
import { EngineError } from '../core/errors.ts'
import { type Authority, type AuthorityContext, askAuthority, findAuthority } from './authority.ts'
import { parentOf } from './names.ts'
import { recordTypes } from './wire/codes.ts'
import type { DecodedMessage } from './wire/message.ts'

/** RFC 1034 §5.3.3 leaves the limit to the resolver; common resolvers follow about this many. */
export const longestChain = 10

export interface AliasContext extends AuthorityContext {
  /** Servers that take the place of the discovered ones for a name (`propagation.nameservers`). */
  serversFor?(name: string): Promise<Authority | undefined>
}

/** Where a challenge name leads. */
export interface AliasTarget {
  /** The last name: where the TXT record belongs. */
  readonly fqdn: string
  /** Every name from the first to the last. */
  readonly chain: readonly string[]
  /** The zone of the last name and its servers; undefined when they could not be found. */
  readonly authority: Authority | undefined
  /** Why not. */
  readonly failure?: unknown
}

/**
 * Follows the CNAME records of a challenge name (RFC 8555 §8.4 lets it be delegated so). Authoritative servers are
 * asked; the recursive resolver only where none of them can be reached. A CNAME that a wildcard stands for is not
 * followed: the TXT record that we are about to write ends it (RFC 4592 §2.2.1). Throws `dns_lookup_failed` for a
 * loop or too long a chain.
 */
export async function followAliases(name: string, context: AliasContext): Promise<AliasTarget> {
  const chain = [name]
  for (;;) {
    const at = chain.at(-1) ?? name
    const { authority, failure } = await authorityOf(at, context)
    const target = await aliasAt(at, authority, context)
    if (target === undefined) return { fqdn: at, chain, authority, ...(failure !== undefined && { failure }) }
    if (chain.includes(target)) throw chainError(`the CNAME records of ${name} form a loop`, [...chain, target])
    chain.push(target)
    if (chain.length > longestChain + 1)
      throw chainError(`${name} has more than ${longestChain} CNAME records in a row`, chain)
  }
}

async function authorityOf(name: string, context: AliasContext) {
  const given = await context.serversFor?.(name)
  if (given !== undefined) return { authority: given }
  try {
    return { authority: await findAuthority(name, context) }
  } catch (failure) {
    if (failure instanceof EngineError) return { authority: undefined, failure }
    throw failure
  }
}

async function aliasAt(
  name: string,
  authority: Authority | undefined,
  context: AliasContext,
): Promise<string | undefined> {
  const target = cnameIn(await lookUp(name, authority, context), name)
  if (target === undefined) return undefined
  const sibling = `${randomLabel()}.${parentOf(name) ?? ''}`
  const synthesised = cnameIn(await lookUp(sibling, authority, context), sibling) === target
  return synthesised ? undefined : target
}

async function lookUp(
  name: string,
  authority: Authority | undefined,
  context: AliasContext,
): Promise<DecodedMessage | undefined> {
  const direct = authority && (await askAuthority(authority, name, recordTypes.CNAME, context))
  if (direct !== undefined) return direct
  try {
    return await context.resolver.query(name, 'CNAME')
  } catch (error) {
    // Nobody can be asked: then the record is taken to be where its name says, and propagation will tell.
    if (error instanceof EngineError) return undefined
    throw error
  }
}

function cnameIn(message: DecodedMessage | undefined, name: string): string | undefined {
  for (const record of message?.answers ?? []) {
    if (record.name === name && record.data.kind === 'CNAME') return record.data.target
  }
  return undefined
}

const randomLabel = () => `trustform-${randomInt(2 ** 40).toString(36)}`

function chainError(message: string, chain: readonly string[]): EngineError {
  return new EngineError('dns_lookup_failed', `${message}: ${chain.join(' -> ')}`, {
    remedy: 'point the CNAME of the challenge name at the name that holds the TXT record',
    details: { chain: [...chain] },
  })
}
