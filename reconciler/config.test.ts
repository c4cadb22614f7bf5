import { expect, test } from 'vitest'
import { DiagnosticsError, EngineError, formatDiagnostics, type SourceFiles } from '../engine/index.ts'
import { loadConfig, parseListen } from './config.ts'

function files(contents: Readonly<Record<string, string>>): SourceFiles {
  return {
    list: async path => ({ files: [path], failures: [], links: [] }),
    async read(path) {
      const name = Object.keys(contents).find(each => path.endsWith(each))
      if (name === undefined) throw new EngineError('input_unreadable', `"${path}" does not exist`)
      return Buffer.from(contents[name] ?? '')
    },
  }
}

const load = (text: string, more: Readonly<Record<string, string>> = {}) =>
  loadConfig('/etc/trustform/reconciler.yaml', files({ 'reconciler.yaml': text, ...more }))

async function findings(text: string): Promise<string[]> {
  const error = await load(text).then(
    () => undefined,
    thrown => thrown,
  )
  if (!(error instanceof DiagnosticsError)) return []
  return error.diagnostics.map(
    ({ position, code, message }) => `${position?.line}:${position?.column} ${code}: ${message}`,
  )
}

/** A line of allowed signers, as ssh-keygen(1) has it. */
const signer = 'ada ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5\n'

const whole = `listen: 127.0.0.1:8080
publicUrl: https://pki.corp.example/
state: sqlite:/var/lib/trustform/state.db
egress: {allow: [10.20.0.0/16]}
git: {allowInsecure: false}
sources:
  - name: infra
    url: https://git.corp.example/infra/pki.git
    branch: main
    paths: [base, overlays/prod]
    interval: 30s
    credentials: {username: trustform, password: {file: git-token}}
    autoApply: true
    drift: report
    requireSignedBy: {sshAllowedSigners: {file: signers}}
    forge: {type: gitea, url: https://git.corp.example, repository: infra/pki, token: {env: FORGE_TOKEN}}
    webhookSecret: {env: HOOK_SECRET}
`

test('the whole file, as the design shows it', async () => {
  expect(await load(whole, { signers: signer })).toEqual({
    listen: { host: '127.0.0.1', port: 8080 },
    publicUrl: 'https://pki.corp.example',
    state: 'sqlite:/var/lib/trustform/state.db',
    egressAllow: ['10.20.0.0/16'],
    allowInsecureGit: false,
    folder: '/etc/trustform',
    sources: [
      {
        suspended: false,
        spec: {
          name: 'infra',
          url: 'https://git.corp.example/infra/pki.git',
          branch: 'main',
          paths: ['base', 'overlays/prod'],
          interval: 30,
          credentials: { username: 'trustform', password: { file: '/etc/trustform/git-token' } },
          autoApply: true,
          adopt: false,
          drift: 'report',
          requireSignedBy: { sshAllowedSigners: signer },
          forge: {
            type: 'gitea',
            url: 'https://git.corp.example',
            repository: 'infra/pki',
            token: { env: 'FORGE_TOKEN' },
          },
          webhookSecret: { env: 'HOOK_SECRET' },
          tenant: 'default',
        },
      },
    ],
  })
})

test('an empty file leaves everything to the defaults of the schema', async () => {
  const { listen, sources, egressAllow, allowInsecureGit } = await load('# nothing yet\n')
  expect({ listen, sources, egressAllow, allowInsecureGit }).toEqual({
    listen: { host: '127.0.0.1', port: 8080 },
    sources: [],
    egressAllow: [],
    allowInsecureGit: false,
  })
})

test('a source needs only name and url', async () => {
  const { sources } = await load('sources: [{name: infra, url: https://git.example/a.git}]')
  expect(sources).toEqual([
    {
      suspended: false,
      spec: {
        ...{ name: 'infra', url: 'https://git.example/a.git', branch: 'main', paths: ['.'], interval: 60 },
        ...{ autoApply: false, adopt: false, drift: 'report', tenant: 'default' },
      },
    },
  ])
})

const cases: [what: string, text: string, told: string[]][] = [
  [
    'all errors at once, each where it stands',
    `lissen: 127.0.0.1:1
egress: {allow: [10.20.0.0/40]}
sources:
  - name: Infra
    url: https://git.example/a.git
    drift: fix
  - url: https://git.example/b.git
    interval: soon
`,
    [
      '1:1 field_unknown: the configuration has an unknown field lissen',
      '4:11 schema_violation: the configuration has "Infra" as sources[0].name, expected lower-case letters, digits and dashes, such as infra',
      '6:12 schema_violation: the configuration has "fix" as sources[0].drift, expected one of detect, report, heal',
      '7:5 schema_violation: the configuration lacks sources[1].name',
      '8:15 schema_violation: the configuration has "soon" as sources[1].interval, expected a duration above zero such as 30d, 720h, 90m or a number of seconds',
    ],
  ],
  [
    'ranges and ports that only look right',
    'listen: 127.0.0.1:99999\negress: {allow: [10.20.0.0/40]}\n',
    [
      '1:9 schema_violation: the configuration has a listen that has no port from 1 to 65535',
      '2:18 schema_violation: the configuration has a egress.allow[0] that has too long a prefix',
    ],
  ],
  [
    'two sources of one name',
    'sources:\n  - {name: a, url: https://g.example/a}\n  - {name: a, url: https://g.example/b}\n',
    ['3:12 duplicate_resource: the configuration has a second source "a"'],
  ],
  [
    'a poll every second',
    'sources:\n  - {name: a, url: https://g.example/a, interval: 1s}\n',
    ['2:51 schema_violation: the configuration has a sources[0].interval below 5s'],
  ],
  [
    'a file of signers that is not there',
    'sources:\n  - {name: a, url: https://g.example/a, requireSignedBy: {pgpKeys: {file: none}}}\n',
    ['2:75 input_unreadable: the configuration names a file that fails: "/etc/trustform/none" does not exist'],
  ],
  [
    'what could become an option of git, or leads out of the repository',
    `sources:
  - {name: a, url: "--upload-pack=touch /tmp/x"}
  - {name: b, url: "ext::sh -c id"}
  - {name: c, url: https://g.example/e, branch: --upload-pack=x}
  - {name: d, url: https://g.example/f, branch: refs/heads/--exec=x}
`,
    [
      '2:20 schema_violation: the configuration has "--upload-pack=touch /tmp/x" as sources[0].url, expected a repository such as https://git.corp.example/infra/pki.git or ssh://git@git.corp.example/infra/pki.git',
      '3:20 schema_violation: the configuration has "ext::sh -c id" as sources[1].url, expected a repository such as https://git.corp.example/infra/pki.git or ssh://git@git.corp.example/infra/pki.git',
      '4:49 schema_violation: the configuration has "--upload-pack=x" as sources[2].branch, expected a branch name such as main',
      '5:49 schema_violation: the configuration has "refs/heads/--exec=x" as sources[3].branch, expected a branch name such as main',
    ],
  ],
  [
    'the same where the schema has nothing to say',
    `sources:
  - {name: c, url: --upload-pack=x}
  - {name: d, url: "ssh://-oProxyCommand=x/y"}
  - {name: f, url: https://g.example/f, branch: main.lock}
  - {name: g, url: https://g.example/g, branch: a..b}
  - {name: h, url: https://g.example/h, paths: [ok, ../../etc]}
  - {name: i, url: http://g.example/i}
  - {name: j, url: https://bot:canary-8412@g.example/j}
`,
    [
      '2:20 schema_violation: the configuration of the source "c" is refused: the repository\'s URL begins with "-"',
      '3:20 schema_violation: the configuration of the source "d" is refused: the repository\'s URL has no plain host name',
      '4:49 schema_violation: the configuration of the source "f" is refused: "main.lock" cannot be the name of a branch or a ref',
      '5:49 schema_violation: the configuration of the source "g" is refused: "a..b" cannot be the name of a branch or a ref',
      '6:53 schema_violation: the configuration of the source "h" is refused: the path "../../etc" leads out of the repository',
      '7:20 schema_violation: the configuration of the source "i" is refused: the repository\'s URL is http, over which anybody could answer',
      '8:20 schema_violation: the configuration of the source "j" is refused: the repository\'s URL holds credentials',
    ],
  ],
  [
    'signers that let nobody sign',
    `sources:
  - {name: a, url: https://g.example/a, requireSignedBy: {since: ${'a1'.repeat(20)}}}
  - {name: b, url: https://g.example/b, requireSignedBy: {sshAllowedSigners: ada ssh-ed25519 AAAA}}
  - {name: c, url: https://g.example/c, requireSignedBy: {pgpKeys: none}}
`,
    [
      '2:58 schema_violation: the configuration of the source "a" is refused: requireSignedBy names no key',
      '3:78 schema_violation: the configuration of the source "b" is refused: line 1 of the allowed signers has no key of a known type with enough bits',
      '4:68 schema_violation: the configuration of the source "c" is refused: pgpKeys holds no armoured public keys',
    ],
  ],
  [
    'a commit that is not named in full',
    `sources:\n  - {name: a, url: https://g.example/a, requireSignedBy: {pgpKeys: x, since: main}}\n`,
    [
      '2:78 schema_violation: the configuration has "main" as sources[0].requireSignedBy.since, expected a commit\'s full name, 40 hexadecimal digits',
    ],
  ],
  [
    'a secret written in the file',
    'sources:\n  - {name: a, url: https://g.example/a, webhookSecret: canary-8412}\n',
    ['2:56 literal_secret: the configuration holds the value of sources[0].webhookSecret itself'],
  ],
  [
    'no YAML',
    'sources: [',
    ['1:11 yaml_syntax: not valid YAML: unexpected end of the stream within a flow collection'],
  ],
  [
    'two documents',
    'a: 1\n---\nb: 2\n',
    ['1:1 schema_violation: "/etc/trustform/reconciler.yaml" holds more than one document'],
  ],
  ['no map', '- a\n', ['1:1 schema_violation: "/etc/trustform/reconciler.yaml" is not a map of settings']],
]
test.each(cases)('%s', async (_what, text, told) => expect(await findings(text)).toEqual(told))

test.each([
  ['a token', 'url: https://g.example/a, forge: {type: gitea, repository: a/b, token: canary-8412}'],
  ['a password in a URL', 'url: https://bot:canary-8412@g.example/a'],
])('no frame shows %s', async (_what, fields) => {
  const error = await load(`sources:\n  - {name: a, ${fields}}\n`).catch(thrown => thrown)
  const text = await formatDiagnostics(error.diagnostics, 'text')
  expect(text).toContain('2:')
  expect(text).not.toContain('canary')
})

test('addresses to listen at', () => {
  expect(parseListen('127.0.0.1:0')).toEqual({ host: '127.0.0.1', port: 0 })
  expect(parseListen('[::1]:8080')).toEqual({ host: '::1', port: 8080 })
  for (const wrong of ['8080', 'host', '::1:80', 'a:99999', 'a b:80']) {
    expect(() => parseListen(wrong)).toThrow(expect.objectContaining({ code: 'usage' }))
  }
})
