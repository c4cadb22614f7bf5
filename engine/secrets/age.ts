import { EngineError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import { readBounded } from './read-bounded.ts'

const armorStart = '-----BEGIN AGE ENCRYPTED FILE-----'
const binaryStart = 'age-encryption.org/v1\n'

/**
 * Opens an age file (https://age-encryption.org/v1), armored or binary, with the identities in
 * `TRUSTFORM_AGE_IDENTITY_FILE`. Undefined when the content is no age file; `secret_unresolved` when it does not open.
 */
export async function openAge(
  content: Uint8Array,
  env: Readonly<Record<string, string | undefined>>,
  what: string,
): Promise<Secret<Uint8Array> | undefined> {
  const text = Buffer.from(content).toString('latin1').trim()
  const armored = text.startsWith(armorStart)
  if (!armored && !text.startsWith(binaryStart.trim())) return undefined

  const identities = await readIdentities(env.TRUSTFORM_AGE_IDENTITY_FILE, what)
  const { armor, Decrypter } = await import('age-encryption')
  try {
    const decrypter = new Decrypter()
    for (const identity of identities) decrypter.addIdentity(identity)
    return new Secret(await decrypter.decrypt(armored ? armor.decode(text) : content))
  } catch {
    // The library's words are left out: they may quote what it was given.
    throw new EngineError(
      'secret_unresolved',
      `${what} does not open with the identities in ${env.TRUSTFORM_AGE_IDENTITY_FILE}`,
      {
        remedy: 'encrypt it again for the recipient of one of these identities',
      },
    )
  }
}

async function readIdentities(path: string | undefined, what: string): Promise<string[]> {
  if (!path) {
    throw new EngineError('secret_unresolved', `${what} is encrypted with age and no identity is given`, {
      remedy: 'set TRUSTFORM_AGE_IDENTITY_FILE to the file with the age identity',
    })
  }
  let content: Uint8Array
  try {
    content = (await readBounded(path)).content
  } catch (error) {
    throw new EngineError('secret_unresolved', `the age identity file ${path} cannot be read`, {
      remedy: 'set TRUSTFORM_AGE_IDENTITY_FILE to a readable file',
      cause: error,
    })
  }
  const lines = Buffer.from(content).toString('utf8').split('\n')
  const identities = lines.map(line => line.trim()).filter(line => line !== '' && !line.startsWith('#'))
  if (identities.length > 0) return identities
  throw new EngineError('secret_unresolved', `the age identity file ${path} holds no identity`, {
    remedy: 'create one with `age-keygen`',
  })
}
