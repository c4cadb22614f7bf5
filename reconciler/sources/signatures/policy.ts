import { EngineError, type JsonObject } from '../../../engine/index.ts'
import type { Commit, Repository, SignaturePolicy } from '../repository.ts'
import { type AllowedSigner, parseAllowedSigners } from './allowed-signers.ts'
import { type PgpVerifier, pgpVerifier } from './pgp.ts'
import { type SignedCommit, takeApart } from './signed-commit.ts'
import { isSshSignature, verifySshSignature } from './ssh-signature.ts'

/** `requireSignedBy` of a source. Every commit needs a signature of one of the keys, whichever their kind. */
export interface RequireSignedBy {
  /** Lines of an allowed signers file. */
  readonly sshAllowedSigners?: string
  /** Armoured public keys. */
  readonly pgpKeys?: string
  /** Full name of the commit up to which history is taken as it is: signing begins above it. */
  readonly since?: string
}

/** Reads `requireSignedBy`; `{file}` is read with `readText`, which is given only where files may be named. */
export async function requireSignedBy(
  spec: JsonObject,
  readText?: (path: string) => Promise<string>,
): Promise<RequireSignedBy> {
  async function text(name: 'sshAllowedSigners' | 'pgpKeys'): Promise<string | undefined> {
    const value = spec[name]
    if (value === undefined || typeof value === 'string') return value
    const file = typeof value === 'object' && value !== null && 'file' in value ? value.file : undefined
    if (typeof file === 'string' && readText) return readText(file)
    throw new EngineError('schema_violation', `requireSignedBy.${name} is not a text`, {
      remedy: 'give the lines themselves',
    })
  }
  const [sshAllowedSigners, pgpKeys] = [await text('sshAllowedSigners'), await text('pgpKeys')]
  return {
    ...(sshAllowedSigners !== undefined && { sshAllowedSigners }),
    ...(pgpKeys !== undefined && { pgpKeys }),
    ...(typeof spec.since === 'string' && { since: spec.since }),
  }
}

/** Throws `schema_violation` for keys that cannot be read: a policy that lets nobody or everybody sign is none. */
export async function createSignaturePolicy(required: RequireSignedBy): Promise<SignaturePolicy> {
  const signers = required.sshAllowedSigners === undefined ? [] : parseAllowedSigners(required.sshAllowedSigners)
  const pgp = required.pgpKeys === undefined ? undefined : await pgpVerifier(required.pgpKeys)
  if (signers.length === 0 && !pgp) {
    throw new EngineError('schema_violation', 'requireSignedBy names no key', {
      remedy: 'give sshAllowedSigners or pgpKeys',
    })
  }
  return {
    async check(repository, lastApplied, commit) {
      const from = lastApplied ?? required.since
      const commits = await repository.commitsBetween(from, commit)
      const listed = new Set(commits.map(({ id }) => id))
      // Nothing new: what was applied was checked then.
      if (commit === from) return
      // A branch that was pushed back would bring declarations from before there were signatures.
      if (!listed.has(commit)) throw refused(short(commit), 'lies below the commit from which on signatures count')
      // Oldest first: that one has to be mended before those above it can be.
      for (const each of commits.toReversed()) {
        const octets = await repository.commitObject(each.id)
        const parts = octets && takeApart(octets)
        if (!parts) throw refused(called(each), 'is malformed or has several signatures')
        await checkClosed(repository, parts, listed, from)
        const problem = await problemOf(parts, signers, pgp)
        if (problem !== undefined) throw refused(called(each), problem)
      }
    },
  }
}

/** What is wrong with a commit's signature. */
async function problemOf(
  { signature, payload, committedAt }: SignedCommit,
  signers: readonly AllowedSigner[],
  pgp: PgpVerifier | undefined,
): Promise<string | undefined> {
  if (signature === undefined) return 'is not signed'
  if (!isSshSignature(signature)) {
    if (await pgp?.(signature, payload)) return undefined
    return pgp ? 'has no good signature of an allowed PGP key' : 'is signed with a kind of key that is not allowed'
  }
  const key = verifySshSignature(signature, payload)
  if (key === undefined) return 'has a bad signature'
  const lines = signers.filter(signer => signer.key === key)
  if (lines.length === 0) return 'is signed with a key that is not allowed'
  // As git does: the key has to be allowed at the time that the commit names.
  const valid = lines.some(
    ({ validAfter, validBefore }) =>
      (validAfter === undefined || committedAt >= validAfter) &&
      (validBefore === undefined || committedAt < validBefore),
  )
  return valid ? undefined : 'is signed with a key that was not allowed at that time'
}

/** A list that was cut off must not pass for the whole range: each parent is in it too, or was accepted before. */
async function checkClosed(
  repository: Repository,
  { parents }: SignedCommit,
  listed: ReadonlySet<string>,
  from: string | undefined,
): Promise<void> {
  for (const parent of parents) {
    if (listed.has(parent) || parent === from) continue
    if (from !== undefined && (await repository.isAncestor(parent, from))) continue
    throw new EngineError('signature_refused', `more than ${listed.size} commits would have to be verified`, {
      remedy: 'name the commit up to which history is trusted in requireSignedBy.since',
    })
  }
}

const short = (commit: string) => `commit ${commit.slice(0, 12)}`
const called = ({ id, subject, author }: Commit) => `${short(id)} "${subject}" by ${author}`

function refused(commit: string, problem: string): EngineError {
  return new EngineError('signature_refused', `${commit} ${problem}; nothing of it is applied`, {
    remedy: 'sign every commit, merges included, with a key that requireSignedBy names',
    details: { reason: problem },
  })
}
