import { isAbsolute, join } from 'node:path'
import { EngineError, type Position } from '../core/errors.ts'
import type { SecretReference } from '../core/resource.ts'
import { Secret } from '../core/secret.ts'
import { openAge } from './age.ts'
import { hasCode, largestSecret, readBounded, TooLarge } from './read-bounded.ts'

interface SecretSources {
  readonly env: Readonly<Record<string, string | undefined>>
  /** False where manifests come from somebody who must not read this machine's files; default true. */
  readonly files?: boolean
  /**
   * A stored `Secret` by its path: the field of it, or with an undefined field the value of one that has no fields.
   * Undefined when there is none.
   */
  readonly stored: (path: string, field: string | undefined) => Promise<Secret | undefined>
}

/** Where the reference stands; errors point there. */
export interface SecretPlace {
  /** Folder of the declaring file: relative paths start there. */
  readonly folder: string
  readonly address?: string | undefined
  readonly position?: Position | undefined
}

/** Resolves secret references of one run; values are never kept. */
export interface SecretResolver {
  /** Throws `secret_unresolved`, which names what was looked for and never the content. */
  resolve(reference: SecretReference, place: SecretPlace): Promise<Secret>
}

export function createSecretResolver(sources: SecretSources): SecretResolver {
  return {
    resolve: async (reference, place) => {
      const value = await lookUp(reference, sources, place)
      const length = Buffer.byteLength(value.reveal())
      if (length === 0) throw unresolved(place, `${nameOf(reference)} is empty`, 'put the secret there')
      if (length > largestSecret) throw tooLarge(place, nameOf(reference))
      return value
    },
  }
}

/** How messages name a reference. */
function nameOf(reference: SecretReference): string {
  if ('env' in reference) return `the environment variable ${reference.env}`
  if ('file' in reference) return `the file ${reference.file}`
  if ('secret' in reference) return `the stored secret "${reference.secret}"`
  if ('age' in reference) return 'the age value'
  return 'the value'
}

async function lookUp(reference: SecretReference, sources: SecretSources, place: SecretPlace): Promise<Secret> {
  if ('literal' in reference) return reference.literal
  if ('env' in reference) return fromEnvironment(reference.env, sources, place)
  if ('file' in reference) return fromFile(reference.file, sources, place)
  if ('secret' in reference) return fromStore(reference.secret, sources, place)
  return fromAge(reference.age, sources, place)
}

function fromEnvironment(name: string, { env }: SecretSources, place: SecretPlace): Secret {
  const value = Object.hasOwn(env, name) ? env[name] : undefined
  if (value !== undefined) return new Secret(value)
  throw unresolved(place, `the environment variable ${name} is not set`, `set ${name} where trustform runs`)
}

async function fromFile(path: string, { files = true }: SecretSources, place: SecretPlace): Promise<Secret> {
  if (!files)
    throw unresolved(place, `the file ${path} is not read here`, 'use {env: NAME}, {secret: PATH} or {age: …}')
  const full = isAbsolute(path) ? path : join(place.folder, path)
  try {
    const { content } = await readBounded(full)
    return text(content, `the file ${full}`, place)
  } catch (error) {
    if (error instanceof EngineError) throw error
    if (error instanceof TooLarge) throw tooLarge(place, `the file ${full}`)
    const why = hasCode(error, 'ENOENT', 'ENOTDIR')
      ? 'does not exist'
      : hasCode(error, 'EISDIR')
        ? 'is a folder'
        : 'cannot be read'
    throw unresolved(place, `the file ${full} ${why}`, 'paths start at the folder of the declaring file', error)
  }
}

async function fromStore(reference: string, { stored }: SecretSources, place: SecretPlace): Promise<Secret> {
  const hash = reference.indexOf('#')
  const path = hash < 0 ? reference : reference.slice(0, hash)
  const field = hash < 0 ? undefined : reference.slice(hash + 1)
  const value = await stored(path, field)
  if (value !== undefined) return value
  const what =
    field === undefined ? `there is no stored secret "${path}"` : `no stored secret "${path}" has a field "${field}"`
  throw unresolved(place, what, 'declare it as a Secret, or correct the path')
}

async function fromAge(armored: string, { env }: SecretSources, place: SecretPlace): Promise<Secret> {
  let opened: Secret<Uint8Array> | undefined
  try {
    opened = await openAge(Buffer.from(armored), env, 'the age value')
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    throw unresolved(place, error.message, error.remedy ?? 'check the age identity', error)
  }
  if (opened !== undefined) return text(opened.reveal(), 'the age value', place)
  throw unresolved(place, 'the age value is not an armored age file', 'encrypt it with `age --armor --recipient …`')
}

/** UTF-8 text without the newline that editors and `echo` put at its end. */
function text(content: Uint8Array, what: string, place: SecretPlace): Secret {
  try {
    const decoded = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(content)
    return new Secret(decoded.replace(/\r?\n$/, ''))
  } catch {
    throw unresolved(place, `${what} is not UTF-8 text`, 'store the secret as text, for example in base64')
  }
}

function tooLarge(place: SecretPlace, what: string): EngineError {
  return unresolved(place, `${what} is larger than ${largestSecret} octets`, 'name the right file')
}

function unresolved(place: SecretPlace, message: string, remedy: string, cause?: unknown): EngineError {
  return new EngineError('secret_unresolved', message, {
    remedy,
    address: place.address,
    position: place.position,
    cause,
  })
}
