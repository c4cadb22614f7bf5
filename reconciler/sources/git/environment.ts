import { join } from 'node:path'
import type { GitUrl } from './url.ts'

/** What differs between one call of git and another. */
export interface CallSettings {
  readonly url?: GitUrl
  readonly allowInsecure?: boolean
  /** Value of the `Authorization` header. */
  readonly authorization?: string | undefined
  /** The only address to connect to, already checked. */
  readonly address?: string | undefined
  /** Of ssh, in place of the user's and the system's. */
  readonly sshConfigFile?: string | undefined
  /** PEM file with the roots to trust instead of the system's. */
  readonly rootsFile?: string | undefined
}

/** The largest single piece of memory that git may ask for: an object that unpacks to more ends git, not the machine. */
const allocationLimit = '128m'

/**
 * The whole environment of a git process. Nothing of the service's own is passed on but PATH, and no configuration
 * file of the user or the system is read. Settings and the secret of the header travel here, never as arguments, which
 * every user of the machine can see.
 */
export function gitEnvironment(folder: string, settings: CallSettings = {}): Readonly<Record<string, string>> {
  const configuration = configurationOf(settings)
  const pairs = configuration.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ])
  return {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    HOME: folder,
    LC_ALL: 'C', // its messages are read below
    // Given, so that git neither searches for a repository nor asks who owns it.
    GIT_DIR: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: (settings.allowInsecure ? ['https', 'ssh', 'http', 'file'] : ['https', 'ssh']).join(':'),
    GIT_PROTOCOL_FROM_USER: '0',
    // A ref below refs/replace would show other content under the name of a signed commit.
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_GRAFT_FILE: '/dev/null',
    GIT_NO_LAZY_FETCH: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_ALLOC_LIMIT: allocationLimit,
    ...(settings.sshConfigFile !== undefined && {
      GIT_SSH_COMMAND: `ssh -F ${quoted(settings.sshConfigFile)}`,
      GIT_SSH_VARIANT: 'ssh',
    }),
    GIT_CONFIG_COUNT: String(configuration.length),
    ...Object.fromEntries(pairs),
  }
}

function configurationOf({ url, allowInsecure, authorization, address, rootsFile }: CallSettings): [string, string][] {
  const always: [string, string][] = [
    ['core.hooksPath', '/dev/null'],
    ['core.fsmonitor', 'false'],
    ['core.symlinks', 'false'],
    ['core.attributesFile', '/dev/null'],
    // Objects beyond this are streamed instead of held in memory.
    ['core.bigFileThreshold', '4m'],
    ['credential.helper', ''],
    ['transfer.fsckObjects', 'true'],
    // Old mistakes of old programs, without harm to a reader of trees.
    ['fetch.fsck.zeroPaddedFilemode', 'ignore'],
    ['fetch.fsck.badTimezone', 'ignore'],
    ['fetch.recurseSubmodules', 'false'],
    // Everything arrives as a pack, so its growth is seen in one folder.
    ['fetch.unpackLimit', '1'],
    ['transfer.unpackLimit', '1'],
    ['transfer.bundleURI', 'false'],
    ['protocol.version', '2'],
    ['protocol.allow', 'never'],
    ['protocol.https.allow', 'always'],
    ['protocol.ssh.allow', 'always'],
    ['protocol.http.allow', allowInsecure ? 'always' : 'never'],
    ['protocol.file.allow', allowInsecure ? 'always' : 'never'],
    // A redirect would carry the credentials, and the service, to where nobody checked.
    ['http.followRedirects', 'false'],
    ['http.lowSpeedLimit', '1000'],
    ['http.lowSpeedTime', '30'],
    ['gc.autoDetach', 'false'],
    ['gc.writeCommitGraph', 'false'],
    ['pack.threads', '1'],
    ['index.threads', '1'],
  ]
  const isHttp = url?.protocol === 'https' || url?.protocol === 'http'
  if (isHttp && authorization !== undefined) {
    always.push([`http.${new URL(url.text).origin}/.extraHeader`, `Authorization: ${authorization}`])
  }
  if (isHttp && address !== undefined) {
    const pinned = address.includes(':') ? `[${address}]` : address
    always.push(['http.curloptResolve', `${url.hostname}:${url.port}:${pinned}`])
  }
  if (rootsFile !== undefined) always.push(['http.sslCAInfo', rootsFile])
  return always
}

/** For the shell that git starts ssh with. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

/** The ssh configuration that stands for all others: one key, known hosts only, nothing that runs a program. */
export function sshConfiguration(folder: string, url: GitUrl, address: string | undefined): string {
  const file = (name: string) => `"${join(folder, name)}"`
  const known = url.port === 22 ? url.hostname : `[${url.hostname}]:${url.port}`
  return [
    'Host *',
    ...(address === undefined ? [] : [`HostName ${address}`]),
    `HostKeyAlias ${known}`,
    `IdentityFile ${file(sshFiles.key)}`,
    'IdentitiesOnly yes',
    'IdentityAgent none',
    'PreferredAuthentications publickey',
    'BatchMode yes',
    'StrictHostKeyChecking yes',
    'UpdateHostKeys no',
    `UserKnownHostsFile ${file(sshFiles.knownHosts)}`,
    'GlobalKnownHostsFile /dev/null',
    'CheckHostIP no',
    'ForwardAgent no',
    'ClearAllForwardings yes',
    'PermitLocalCommand no',
    'ProxyCommand none',
    'ConnectTimeout 15',
    'ServerAliveInterval 15',
    'LogLevel ERROR',
    '',
  ].join('\n')
}

export const sshFiles = { config: 'ssh_config', key: 'ssh_key', knownHosts: 'ssh_known_hosts' } as const
