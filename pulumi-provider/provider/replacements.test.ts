import { X509Certificate } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Properties, SecretValue, unknown } from '../ports.ts'
import { type Declared, type Deployment, deployment, type Outputs, type RunOptions } from './fixtures/deployment.ts'

const named = (of: Outputs, key: string) => of(key).name ?? null

interface Edits {
  readonly root?: Properties
  readonly int?: Properties
  readonly role?: Properties
  readonly leaf?: Properties
  readonly data?: Properties
}

/** A root, an authority below it, a role, a certificate, and a secret that stands on its root. */
function program({ root, int, role, leaf, data }: Edits = {}): Declared[] {
  return [
    [
      'CertificateAuthority',
      'root',
      { type: 'root', commonName: 'Root', keyType: 'ec', validity: '3650d', allowDestroy: true, ...root },
    ],
    [
      'CertificateAuthority',
      'int',
      of => ({
        type: 'intermediate',
        commonName: 'Issuing',
        keyType: 'ec',
        validity: '1000d',
        parent: named(of, 'CertificateAuthority/root'),
        ...int,
      }),
    ],
    [
      'Role',
      'web',
      of => ({
        ca: named(of, 'CertificateAuthority/int'),
        allowedDomains: ['acme.example'],
        allowSubdomains: true,
        ...role,
      }),
    ],
    ['Certificate', 'www', of => ({ role: named(of, 'Role/web'), domains: ['www.acme.example'], ...leaf })],
    ['Secret', 'user', of => ({ path: 'user', data: { trust: of('Certificate/www').rootPem ?? null, ...data } })],
  ]
}

const unchanged = program().map(([kind, name]) => `same ${kind}/${name}`)
const steps = (changed: Readonly<Record<string, string>>) =>
  program().map(([kind, name]) => {
    const step = changed[name]
    const [verb = '', ...rest] = (step ?? 'same').split(' ')
    return `${verb} ${kind}/${name}${rest.length > 0 ? `: ${rest.join(' ')}` : ''}`
  })

async function addresses(pulumi: Deployment): Promise<string[]> {
  return (await (await pulumi.engine()).list()).map(({ address }) => address)
}

/** What the stack remembers of the certificate is a chain: each signed by the next, up to the root that it remembers. */
function expectChain(pulumi: Deployment): void {
  const outputs = pulumi.stack.get('Certificate/www')?.outputs ?? {}
  const text = (name: string) => String(outputs[name])
  const texts = [text('fullchainPem'), text('certificatePem') + text('chainPem')]
  for (const served of texts) {
    const chain = ((served + text('rootPem')).match(/-----BEGIN.+?-----END CERTIFICATE-----/gs) ?? []).map(
      pem => new X509Certificate(pem),
    )
    expect(chain).toHaveLength(3)
    for (const [index, each] of chain.entries()) expect(each.verify((chain[index + 1] ?? each).publicKey)).toBe(true)
  }
  expect(outputs.rootPem).toBe(pulumi.stack.get('CertificateAuthority/root')?.outputs.certificatePem)
}

describe('what the CLI replaces although it could stay', () => {
  const keys = ['Certificate/www', 'Secret/user', 'CertificateAuthority/root', 'Role/web']
  const ways: [how: string, options: (key: string) => RunOptions][] = [
    ['on changes, created first', key => ({ replaceOnChanges: [key] })],
    ['on changes, deleted first', key => ({ replaceOnChanges: [key], deleteBefore: [key] })],
    ['asked for, deleted first', key => ({ replace: [key], deleteBefore: [key] })],
  ]
  const replaced = ways.flatMap(([how, options]) => keys.map(key => [key, how, options(key)] as const))
  test.each(replaced)('%s, %s, is another object afterwards, and is there', async (key, _how, options) => {
    const pulumi = await deployment()
    await pulumi.up(program())
    const before = { id: pulumi.stack.get(key)?.id, addresses: await addresses(pulumi) }
    expect((await pulumi.preview(program(), options)).steps).toContain(`replace ${key}: asked for`)
    expect((await pulumi.up(program(), options)).steps).toContain(`replace ${key}: asked for`)
    expect(pulumi.stack.get(key)?.id).not.toBe(before.id)
    expect(await addresses(pulumi)).toEqual(before.addresses)
    expect((await pulumi.up(program())).steps).toEqual(unchanged)
    expectChain(pulumi)
  })

  test.each(keys)('%s, asked for and created first, stays as it is, with a word', async key => {
    const pulumi = await deployment()
    await pulumi.up(program())
    const before = pulumi.stack.get(key)?.id
    const { told } = await pulumi.up(program(), { replace: [key] })
    expect(told.join('\n')).toContain(`${key} was not replaced, and stays as it is`)
    expect(pulumi.stack.get(key)?.id).toBe(before)
    expect(await addresses(pulumi)).toContain(key)
    expect((await pulumi.up(program())).steps).toEqual(unchanged)
  })

  test('an authority needs its word for it', async () => {
    const pulumi = await deployment()
    const plain = program({ root: { allowDestroy: false } })
    await pulumi.up(plain)
    const options = { replaceOnChanges: ['CertificateAuthority/root'] }
    for (const run of [pulumi.preview, pulumi.up]) {
      await expect(run(plain, options)).rejects.toThrow('needs an explicit word')
    }
    expect((await pulumi.up(plain)).steps).toEqual(unchanged)
  })
})

describe('another name', () => {
  const refused: [what: string, before: Edits, after: Edits, told: RegExp][] = [
    [
      'of an authority',
      { root: { allowDestroy: false } },
      { root: { allowDestroy: false, name: 'root2' } },
      /the one of now cannot go: deleting a CertificateAuthority needs an explicit word.*set allowDestroy: true/s,
    ],
    [
      'of what is protected',
      { leaf: { lifecycle: { protect: true } } },
      { leaf: { lifecycle: { protect: true }, name: 'www2' } },
      /the one of now cannot go: Certificate\/www is protected.*run `pulumi up` first/s,
    ],
  ]
  test.each(
    refused,
  )('%s is refused in the preview, where it would be in the end', async (_what, before, after, told) => {
    const pulumi = await deployment()
    await pulumi.up(program(before))
    await expect(pulumi.preview(program(after))).rejects.toThrow(told)
    expect((await pulumi.up(program(before))).steps).toEqual(unchanged)
  })

  test('of an authority goes with the word in the same run', async () => {
    const pulumi = await deployment()
    await pulumi.up(program({ root: { allowDestroy: false } }))
    const renamed = program({ root: { name: 'root2' }, int: { allowDestroy: true } })
    await pulumi.preview(renamed)
    await pulumi.up(renamed)
    expect(await addresses(pulumi)).not.toContain('CertificateAuthority/root')
    expect((await pulumi.up(renamed)).steps).toEqual(unchanged)
    expectChain(pulumi)
  })
})

describe('what stands on an authority that becomes another one', () => {
  const others: [what: string, edits: Edits, changed: Readonly<Record<string, string>>][] = [
    [
      'two above it',
      { root: { commonName: 'Other' } },
      {
        root: 'replace commonName',
        int: 'update serialNumber, notAfter',
        www: 'update chainPem, fullchainPem, rootPem',
        user: 'update data.trust',
      },
    ],
  ]
  test.each(others)('%s has its new chain, foreseen in the preview', async (_what, edits, changed) => {
    const pulumi = await deployment()
    await pulumi.up(program())
    const { serialNumber } = pulumi.stack.get('Certificate/www')?.outputs ?? {}
    expect((await pulumi.preview(program(edits))).steps.map(withoutPlaces)).toEqual(steps(changed).map(withoutPlaces))
    expect((await pulumi.up(program(edits))).steps.map(withoutPlaces)).toEqual(steps(changed).map(withoutPlaces))
    expectChain(pulumi)
    expect(pulumi.stack.get('Certificate/www')?.outputs.serialNumber).toBe(serialNumber)
    expect((await pulumi.up(program(edits))).steps).toEqual(unchanged)
  })

  test('over the same key is as it was', async () => {
    const pulumi = await deployment()
    await pulumi.up(program())
    const edits = { root: { validity: '3000d' } }
    for (const run of [pulumi.preview, pulumi.up]) {
      expect((await run(program(edits))).steps.filter(step => /www|user/.test(step))).toEqual([
        'same Certificate/www',
        'same Secret/user',
      ])
    }
  })

  test('another role of the same authority leaves its issuers known', async () => {
    const pulumi = await deployment()
    const both = (role: string): Declared[] => [
      ...program({ leaf: { role } }).slice(0, 3),
      ['Role', 'second', { ca: 'int', allowedDomains: ['acme.example'], allowSubdomains: true }],
      ...program({ leaf: { role } }).slice(3),
    ]
    await pulumi.up(both('web'))
    for (const run of [pulumi.preview, pulumi.up]) {
      expect((await run(both('second'))).steps.filter(step => !step.startsWith('same'))).toEqual([
        'update Certificate/www: role',
      ])
    }
  })
})

/** Which of several outputs is named is not what is tested here. */
const withoutPlaces = (step: string) => step.replace(/: .*/, '')

describe('a run that died between the engine and the stack', () => {
  const died: [key: string, edits: Edits, output: string, value: unknown][] = [
    ['Role/web', { role: { maxTtl: '60d' } }, 'maxTtl', '60d'],
    ['Secret/user', { data: { token: new SecretValue('two-two-two') } }, 'data', expect.anything()],
  ]
  test.each(died)('of an update of %s is noted by the next one', async (key, edits, output, value) => {
    const pulumi = await deployment()
    await pulumi.up(program({ data: { token: new SecretValue('one-one-one') } }))
    const before = pulumi.stack.get(key)
    const whole = { data: { token: new SecretValue('one-one-one') }, ...edits }
    await pulumi.up(program(whole))
    const after = pulumi.stack.get(key)?.outputs[output]
    if (before) pulumi.stack.set(key, before)
    const { steps: next } = await pulumi.up(program(whole))
    expect(next.filter(step => !step.startsWith('same'))).toEqual([expect.stringContaining(`update ${key}: ${output}`)])
    expect(pulumi.stack.get(key)?.outputs[output]).toEqual(after)
    expect(pulumi.stack.get(key)?.outputs[output]).toEqual(value)
    expect((await pulumi.up(program(whole))).steps).toEqual(unchanged)
  })
})

test('an authority that is not in the state is made anew only with its word', async () => {
  const pulumi = await deployment()
  const without = program({ root: { allowDestroy: false } })
  await pulumi.up(without)
  const elsewhere = await deployment()
  for (const [key, each] of pulumi.stack) elsewhere.stack.set(key, each)
  for (const run of [elsewhere.preview, elsewhere.up]) {
    await expect(run(without)).rejects.toThrow(/^CertificateAuthority\/root is not in the state sqlite:.*allowDestroy/s)
  }
  expect(readdirSync(elsewhere.folder), 'nothing was made').toEqual([])
  const all = program({ int: { allowDestroy: true } })
  expect((await elsewhere.up(all)).steps).toEqual(
    all.map(([kind, name]) => expect.stringContaining(`replace ${kind}/${name}`)),
  )
  expectChain(elsewhere)
})

test('what another owns is left where it is, with a word', async () => {
  const theirs = await deployment('prod')
  await theirs.up(program())
  const mine = await deployment('dev', theirs.folder)
  const provider = await mine.provider()
  const urn = 'urn:pulumi:dev::shop::trustform:index:Certificate::www'
  const told: string[] = []
  const context = {
    signal: new AbortController().signal,
    tell: (_severity: string, message: string) => void told.push(message),
  }
  const resource = { urn, kind: 'Certificate', name: 'www' }
  const id = theirs.stack.get('Certificate/www')?.id ?? ''
  const read = await provider.read(resource, { id, inputs: {}, outputs: {} }, context)
  await provider.delete(resource, { id, oldInputs: read?.inputs ?? {}, outputs: read?.outputs ?? {} }, context)
  expect(told.at(-1)).toBe('Certificate/www stays, because pulumi:shop/prod owns it: this stack only looked at it')
  expect(await addresses(theirs)).toContain('Certificate/www')
})

test('a replacement that only a value not known yet would make is told, not refused', async () => {
  const pulumi = await deployment()
  await pulumi.up(program())
  const { told, steps: foreseen } = await pulumi.preview(program({ int: { parent: unknown } }))
  expect(foreseen[1]).toMatch(/^replace CertificateAuthority\/int/)
  expect(told.join('\n')).toContain('needs an explicit word')
})
