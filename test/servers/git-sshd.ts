import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ensureGitServers } from './install.ts'
import { freePort, startServer } from './process.ts'
import type { Scratch } from './scratch.ts'

/** OpenSSH's server on loopback, where one key may fetch and do nothing else. */
export interface SshServer {
  /** `ssh://user@127.0.0.1:port`, to be followed by a path on disk. */
  readonly url: string
  /** Private key of who may log in. */
  readonly key: string
  /** A private key that nobody knows. */
  readonly strangersKey: string
  readonly knownHosts: string
  output(): string
  stop(): Promise<void>
}

export async function startSshServer(scratch: Scratch): Promise<SshServer> {
  const { sshd, sshKeygen } = await ensureGitServers()
  const port = await freePort()
  const folder = join(scratch.path, `sshd-${port}`)
  mkdirSync(folder, { mode: 0o700 })
  const file = (name: string) => join(folder, name)
  for (const name of ['host', 'client', 'stranger']) {
    await promisify(execFile)(sshKeygen, ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file(name)])
  }
  // Where it runs as root it wants this folder, which its package's service would make.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  const options = [
    `ListenAddress=127.0.0.1`,
    `Port=${port}`,
    `HostKey=${file('host')}`,
    `AuthorizedKeysFile=${file('client.pub')}`,
    'PidFile=none',
    'StrictModes=no',
    'UsePAM=no',
    'PasswordAuthentication=no',
    'PermitRootLogin=prohibit-password',
    'AcceptEnv=GIT_PROTOCOL',
    'ForceCommand=git shell -c "$SSH_ORIGINAL_COMMAND"',
  ]
  const server = await startServer({
    name: 'sshd',
    command: sshd,
    args: ['-D', '-e', '-f', '/dev/null', ...options.flatMap(option => ['-o', option])],
    ready: () => isOpen(port),
  })
  const [type = '', key = ''] = readFileSync(file('host.pub'), 'utf8').split(' ')
  return {
    url: `ssh://${userInfo().username}@127.0.0.1:${port}`,
    key: readFileSync(file('client'), 'utf8'),
    strangersKey: readFileSync(file('stranger'), 'utf8'),
    knownHosts: `[127.0.0.1]:${port} ${type} ${key.trim()}\n`,
    output: server.output,
    stop: server.stop,
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
