import { expect, test } from 'vitest'
import { type Properties, SecretValue, type Value } from '../ports.ts'
import { withoutSecrets } from './confidential.ts'
import { type Declared, deployment } from './fixtures/deployment.ts'

const hidden: [what: string, secret: Value, told: string, want: string][] = [
  ['a text', 'geheim', 'no geheim here', 'no (secret) here'],
  ['a number', 4711, 'port 4711', 'port (secret)'],
  ['what is deeper', { a: ['geheim'] }, 'no geheim here', 'no (secret) here'],
  ['one that holds another', ['geheim', 'geheim.example'], 'x.geheim.example', 'x.(secret)'],
  ['a pattern of signs', 'a.b*c', 'a.b*c is not axbc', '(secret) is not axbc'],
  ['nothing that is short', 'ab', 'abc', 'abc'],
  // As the engine writes them down.
  ['a domain in other letters', 'Host.Evil.Example', '"host.evil.example"', '"(secret)"'],
  ['a domain beyond ASCII', 'Geheimnüs.example', '"xn--geheimns-d6a.example"', '"(secret)"'],
  ['the same as it was given', 'Geheimnüs.example', '"Geheimnüs.example"', '"(secret)"'],
  ['a wildcard', '*.Geheimnüs.example', 'no zone of xn--geheimns-d6a.example', 'no zone of (secret)'],
  ['a domain with its last dot', 'host.example.', '"host.example"', '"(secret)"'],
  ['a mailbox', 'Some.One@Evil.Example', 'not Some.One@evil.example', 'not (secret)'],
  ['a mailbox beyond ASCII', 'Some.One@Bücher.Example', 'Some.One@xn--bcher-kva.example', '(secret)'],
  ['an address in other digits', '2001:DB8:0:0::99', '2001:db8::99', '(secret)'],
  ['no part of a path', 'path/of/it', 'a path', 'a path'],
]
test.each(hidden)('hides %s', (_what, secret, told, want) => {
  expect(withoutSecrets({ given: new SecretValue(secret) })(told)).toBe(want)
})

test('what is no secret is told', () => {
  expect(withoutSecrets({ plain: 'acme.example', other: { secret: new SecretValue('geheim') } })('acme.example')).toBe(
    'acme.example',
  )
})

const refused: [what: string, certificate: Properties, canary: RegExp][] = [
  ['a domain', { domains: [new SecretValue('SecretHost.Evil.Example')] }, /secrethost/i],
  ['a domain beyond ASCII', { domains: [new SecretValue('geheimnüs.evil.example')] }, /geheimn|xn--/],
  ['a mailbox', { emails: [new SecretValue('Secret.Person@Evil.Example')] }, /secret\.person|evil\.example/i],
  ['an address', { ipAddresses: [new SecretValue('2001:DB8:0:0::99')] }, /2001:db8/i],
]
test.each(
  refused,
)('the engine refuses %s by another spelling, which is not told either', async (_what, given, canary) => {
  const pulumi = await deployment()
  const program: Declared[] = [
    ['CertificateAuthority', 'root', { type: 'root', commonName: 'Root', keyType: 'ec' }],
    [
      'Role',
      'web',
      { ca: 'root', allowedDomains: ['acme.example'], allowIpSans: true, allowedIpRanges: ['10.0.0.0/8'] },
    ],
    ['Certificate', 'www', { role: 'web', ...given }],
  ]
  const refusal = await pulumi.preview(program).then(
    () => 'nothing was refused',
    (error: unknown) => String(error),
  )
  expect(refusal).toMatch(/does not allow .*\(secret\)/)
  expect(refusal).not.toMatch(canary)
})
