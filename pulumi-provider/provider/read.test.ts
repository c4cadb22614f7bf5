import { expect, test } from 'vitest'
import { declareResource } from '../../engine/index.ts'
import { type Properties, SecretValue } from '../ports.ts'
import { type Declared, type Deployment, deployment, hearing, nameOf, open } from './fixtures/deployment.ts'
import { declarationOf } from './inputs.ts'

function program(certificate: Properties): Declared[] {
  return [
    ['CertificateAuthority', 'root', { type: 'root', commonName: 'Root', keyType: 'ec' }],
    ['Role', 'web', { ca: 'root', allowedDomains: ['acme.example'], allowSubdomains: true }],
    ['Certificate', 'www', { role: 'web', domains: ['www.acme.example'], ...certificate }],
  ]
}

/** Somebody else's change of the certificate, as the CLI makes one. */
async function changeElsewhere(pulumi: Deployment, change: Properties): Promise<void> {
  const engine = await pulumi.engine('cli')
  const { spec, labels } = (await engine.get('Certificate/www')).resource
  const { resource } = await declareResource(declarationOf('Certificate', { name: 'www', ...spec, labels, ...change }))
  if (!resource) throw new Error('it is declared wrongly')
  await engine.locked('apply', {}, locked => locked.applyAlone({ address: 'Certificate/www', resource, adopt: true }))
}

const secret = (value: SecretValue['value']) => new SecretValue(value)
const domains = ['www.acme.example', 'hidden.acme.example', 'more.acme.example']
const labels = { team: 'hidden', more: 'x' }

const marked: [what: string, given: Properties, elsewhere: Properties][] = [
  ['one label', { labels: { team: secret('hidden') } }, { labels }],
  ['all labels', { labels: secret({ team: 'hidden' }) }, { labels }],
  ['one domain', { domains: ['www.acme.example', secret('hidden.acme.example')] }, { domains }],
  ['all domains', { domains: secret(['www.acme.example', 'hidden.acme.example']) }, { domains }],
]
test.each(marked)('what a refresh takes over is a secret where the program marked %s', async (_, given, elsewhere) => {
  const pulumi = await deployment()
  await pulumi.up(program(given))
  await changeElsewhere(pulumi, elsewhere)
  await pulumi.refresh()
  const { inputs, outputs } = pulumi.stack.get('Certificate/www') ?? {}
  for (const [name, value] of Object.entries(elsewhere)) {
    expect(inputs?.[name]).toBeInstanceOf(SecretValue)
    expect(outputs?.[name]).toBeInstanceOf(SecretValue)
    expect(open(inputs?.[name])).toEqual({ secret: value })
  }
})

test('what was no secret is none after a refresh', async () => {
  const pulumi = await deployment()
  await pulumi.up(program({ labels: { team: 'web' }, ttl: secret('30d') }))
  await changeElsewhere(pulumi, { domains })
  await pulumi.refresh()
  expect(open(pulumi.stack.get('Certificate/www')?.inputs)).toMatchObject({
    domains,
    labels: { team: 'web' },
    ttl: { secret: expect.stringMatching(/d$/) },
  })
})

/** As a `get` and the refreshes after it ask (verified 2026-11 with 3.259): what it was given is inputs and outputs. */
const got: [what: string, inputs: Properties, outputs: Properties][] = [
  ['by its id alone', {}, {}],
  ['again after that', {}, { name: 'www', domains: ['former.acme.example'], serialNumber: '00' }],
  ['with its name', { name: 'www' }, { name: 'www' }],
  ['with some of its fields', { name: 'www', ttl: '1d' }, { name: 'www', ttl: '1d' }],
  ['by something that it is no more', { labels: { team: 'web' } }, { labels: { team: 'web' } }],
]
test.each(got)('a resource is got %s', async (_what, inputs, outputs) => {
  const pulumi = await deployment()
  await pulumi.up(program({}))
  const made = pulumi.stack.get('Certificate/www')
  const provider = await pulumi.provider()
  const request = { id: made?.id ?? '', inputs, outputs }
  const read = await provider.read(nameOf('dev', 'Certificate', 'got'), request, hearing())
  expect(read?.inputs).toEqual(made?.inputs)
  expect(read?.outputs).toEqual(made?.outputs)
})

test('what a get is given as a secret stays one, and its wishes are heard', async () => {
  const pulumi = await deployment()
  await pulumi.up(program({ labels: { team: 'web' } }))
  const provider = await pulumi.provider()
  const state = { exportPrivateKey: true, labels: secret({ team: 'other' }) }
  const request = { id: 'www', inputs: state, outputs: state }
  const read = await provider.read(nameOf('dev', 'Certificate', 'got'), request, hearing())
  expect(open(read?.outputs)).toMatchObject({
    labels: { secret: { team: 'web' } },
    privateKeyPem: { secret: expect.stringContaining('PRIVATE KEY') },
  })
})

test('a refresh says what is wrong with a declaration otherwise', async () => {
  const pulumi = await deployment()
  await pulumi.up(program({}))
  const { id = '', inputs = {}, outputs = {} } = pulumi.stack.get('Certificate/www') ?? {}
  const provider = await pulumi.provider()
  const csr = { ...inputs, csr: { file: 'nowhere.csr' } }
  const read = provider.read(nameOf('dev', 'Certificate', 'www'), { id, inputs: csr, outputs }, hearing())
  await expect(read).rejects.toThrow(/nowhere\.csr/)
})

test('an import of a kind that does not exist says which one is meant', async () => {
  const pulumi = await deployment()
  const provider = await pulumi.provider()
  const asked = { id: 'web', inputs: {}, outputs: {} }
  const read = (kind: string) => provider.read(nameOf('dev', kind, 'web'), asked, hearing())
  await expect(read('Certificat')).rejects.toThrow('there is no kind "Certificat"')
  expect(await read('Certificate')).toBeUndefined()
})
