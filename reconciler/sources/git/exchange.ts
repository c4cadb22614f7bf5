import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '../../../engine/index.ts'
import type { Egress } from '../../net/egress.ts'
import { accessFolder } from './cache-folder.ts'
import { authorization, type GitCredentials, secretTexts } from './credentials.ts'
import { type CallSettings, sshConfiguration, sshFiles } from './environment.ts'
import type { GitUrl } from './url.ts'

export interface ExchangeOptions {
  readonly folder: string
  readonly url: GitUrl
  readonly credentials?: (() => Promise<GitCredentials>) | undefined
  readonly allowInsecure: boolean
  readonly egress?: Pick<Egress, 'addressOf'> | undefined
  /** PEM. */
  readonly trustedRoots?: readonly string[] | undefined
}

/** What one exchange with the other side may use. */
export interface Exchange {
  readonly settings: CallSettings
  readonly secrets: readonly string[]
}

/**
 * Prepares one exchange: asks for the credentials, checks the address, and puts an ssh key on disk only while the work
 * lasts, because ssh takes none from elsewhere.
 */
export async function withExchange<T>(options: ExchangeOptions, work: (exchange: Exchange) => Promise<T>): Promise<T> {
  const { url, egress, allowInsecure, trustedRoots } = options
  const folder = accessFolder(options.folder)
  const credentials = (await options.credentials?.()) ?? {}
  // git connects by itself, so it is told which address was checked.
  const address = url.protocol === 'file' ? undefined : await egress?.addressOf(url.hostname)
  const isSsh = url.protocol === 'ssh'
  const rootsFile = trustedRoots === undefined ? undefined : join(folder, 'roots.pem')
  if (rootsFile !== undefined) await writeFile(rootsFile, (trustedRoots ?? []).join('\n'))
  try {
    if (isSsh) await writeSshFiles(folder, url, credentials, address)
    return await work({
      settings: {
        url,
        allowInsecure,
        authorization: isSsh ? undefined : authorization(credentials),
        address,
        sshConfigFile: isSsh ? join(folder, sshFiles.config) : undefined,
        rootsFile,
      },
      secrets: secretTexts(credentials),
    })
  } finally {
    if (isSsh) await rm(join(folder, sshFiles.key), { force: true })
  }
}

async function writeSshFiles(
  folder: string,
  url: GitUrl,
  { sshKey, knownHosts }: GitCredentials,
  address: string | undefined,
): Promise<void> {
  if (sshKey === undefined || knownHosts === undefined) {
    throw new EngineError('git_refused', 'a repository over ssh needs a key and the known hosts', {
      remedy: 'give credentials.sshKey and credentials.knownHosts',
      details: { reason: 'credentials_missing' },
    })
  }
  await rm(join(folder, sshFiles.key), { force: true })
  await writeFile(join(folder, sshFiles.key), sshKey, { mode: 0o600 })
  await writeFile(join(folder, sshFiles.knownHosts), knownHosts, { mode: 0o600 })
  await writeFile(join(folder, sshFiles.config), sshConfiguration(folder, url, address), { mode: 0o600 })
}
