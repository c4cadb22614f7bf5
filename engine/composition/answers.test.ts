import { expect, test } from 'vitest'
import type { Address } from '../core/address.ts'
import { DiagnosticsError } from '../core/errors.ts'
import { declareResource } from '../index.ts'
import type { Observation } from '../kinds/driver.ts'
import { type Asked, createAnswers } from './answers.ts'
import { manifest, type Workshop, workshop } from './fixtures/workshop.ts'
import type { AloneOptions } from './plan-alone.ts'
import { createSightings } from './sightings.ts'

const root = { type: 'root', commonName: 'Root', keyType: 'ec', validity: '3650d' }
const role = { ca: 'root', allowedDomains: ['acme.example'], allowSubdomains: true, maxTtl: '90d' }
const leaf = { role: 'web', domains: ['www.acme.example'], ttl: '30d' }
const standing = [
  manifest('CertificateAuthority', 'root', root),
  manifest('Role', 'web', role),
  manifest('Certificate', 'www', leaf),
].join('')

async function declare(kind: string, name: string, spec: object) {
  // A literal above.
  const { resource, diagnostics } = await declareResource({ kind, name, spec: spec as Record<string, string> })
  if (!resource) throw new DiagnosticsError(diagnostics)
  return resource
}

const questions: [what: string, between: (shop: Workshop) => unknown, more: () => Promise<object>, same: boolean][] = [
  ['nothing happened', () => {}, async () => ({}), true],
  ['half a minute went by', ({ clock }) => clock.advance(30), async () => ({}), true],
  ['a minute went by', ({ clock }) => clock.advance(61), async () => ({}), false],
  [
    'somebody changed another resource',
    shop => shop.apply(standing + manifest('Role', 'other', role)),
    async () => ({}),
    false,
  ],
  ['it may be taken over now', () => {}, async () => ({ adopt: true }), false],
  ['it may be replaced now', () => {}, async () => ({ allow: true }), false],
  [
    'it is declared otherwise',
    () => {},
    async () => ({ resource: await declare('Certificate', 'www', { ...leaf, ttl: '20d' }) }),
    false,
  ],
  [
    'what it stands on is declared otherwise',
    () => {},
    async () => {
      const beside = await declare('Role', 'web', { ...role, maxTtl: '10d' })
      return { beside: new Map([[beside.address, beside]]) }
    },
    false,
  ],
]
test.each(questions)('a plan about one resource, asked for again after %s', async (_what, between, more, same) => {
  const shop = await workshop()
  await shop.apply(standing)
  const options: AloneOptions = {
    address: 'Certificate/www',
    resource: await declare('Certificate', 'www', leaf),
    adopt: false,
  }
  const first = await shop.engine.planAlone(options)
  await between(shop)
  const second = await shop.engine.planAlone({ ...options, ...(await more()) })
  expect(second === first).toBe(same)
})

const seenNow: Observation = { exists: true, facts: { zones: ['a.example'] }, drift: [], findings: [] }

const sightings: [where: string, at: Address | undefined, same: boolean][] = [
  ['nothing else was seen', undefined, true],
  ['something was seen of it', 'Certificate/www', false],
  ['something was seen of what it stands on', 'Role/web', false],
  ['something was seen of what it has nothing to do with', 'Certificate/far', true],
]
test.each(sightings)('an answer where %s', async (_where, at, same) => {
  const shop = await workshop()
  await shop.apply(standing)
  const resource = await declare('Certificate', 'www', leaf)
  const made = await shop.engine.planAlone({ address: resource.address, resource })
  const seen = createSightings(shop.clock)
  const answers = createAnswers(shop.clock, seen)
  const asked: Asked = { address: resource.address, state: made.snapshot.resources, question: 'q' }
  answers.keep(asked, made)
  const revision = made.snapshot.resources.find(({ address }) => address === at)?.revision
  if (at) seen.keep({ address: at, spec: {}, revision }, seenNow)
  expect(answers.of(asked)).toBe(same ? made : undefined)
})
