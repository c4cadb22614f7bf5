import { expect, test } from 'vitest'
import { EngineError } from '../../../engine/index.ts'
import { parseGitUrl } from './url.ts'

function verdict(url: string, allowInsecure = false): string {
  try {
    const { text } = parseGitUrl(url, { allowInsecure })
    return text
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'git_refused') throw error
    return error.message
  }
}

const taken: [what: string, url: string, text: string][] = [
  ['https', 'https://git.example/infra/pki.git', 'https://git.example/infra/pki.git'],
  ['https with a port', 'https://git.example:8443/pki', 'https://git.example:8443/pki'],
  ['ssh', 'ssh://git@git.example:2222/pki.git', 'ssh://git@git.example:2222/pki.git'],
  ['what a forge shows for ssh', 'git@git.example:infra/pki.git', 'ssh://git@git.example/infra/pki.git'],
  ['an IPv6 address', 'https://[2001:db8::1]/pki', 'https://[2001:db8::1]/pki'],
]
test.each(taken)('%s is taken', (_what, url, text) => expect(verdict(url)).toBe(text))

const refused: [what: string, url: string, message: RegExp][] = [
  ['a command as transport', 'ext::sh -c touch% /tmp/x', /white space/],
  ['a command as transport, without spaces', 'ext::touch', /neither https/],
  ['a descriptor as transport', 'fd::17/x', /neither https/],
  ['an option', '--upload-pack=touch', /begins with "-"/],
  ['an option as host', 'ssh://-oProxyCommand=touch/x', /neither|host/],
  ['an option as scp-like host', '-oProxyCommand=touch:x', /begins with "-"/],
  ['an option as user', 'ssh://-oProxyCommand@git.example/x', /user/],
  ['an option as path', 'ssh://git.example/-x', /path that begins/],
  ['credentials', 'https://user:token@git.example/x', /holds credentials/],
  ['a token as user', 'https://token@git.example/x', /holds credentials/],
  ['a password for ssh', 'ssh://git:pw@git.example/x', /holds credentials/],
  ['a line break', 'https://git.example/x\nfoo', /control/],
  ['a direction mark', 'https://git.example/\u202ex', /control/],
  ['plain http', 'http://git.example/x', /is http, over which/],
  ['a file', 'file:///srv/x', /is file, over which/],
  ['a path', '/srv/x', /neither https/],
  ['a relative path', '../x', /neither https/],
  ['git://', 'git://git.example/x', /neither https/],
  ['a query', 'https://git.example/x?y', /query/],
  ['no path', 'https://git.example/', /no path/],
]
test.each(refused)('%s is refused without being repeated', (_what, url, message) => {
  expect(verdict(url)).toMatch(message)
  expect(verdict(url)).not.toContain('token')
})

test('http and file are taken where the operator allows them, and nothing else', () => {
  expect(
    ['http://127.0.0.1:1/x', 'file:///srv/x', 'ext::touch', 'file://host/x'].map(url => verdict(url, true)),
  ).toEqual([
    'http://127.0.0.1:1/x',
    'file:///srv/x',
    "the repository's URL is neither https:// nor ssh://",
    "the repository's URL names a file on another host",
  ])
})
