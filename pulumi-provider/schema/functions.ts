import { tokenOf } from './naming.ts'
import type { FunctionSpec, PropertySpec, PropertySpecs, TypeSpec } from './package-spec.ts'
import { type KindNode, outputSpec, specProperties } from './resource.ts'
import type { TypeBook } from './types.ts'

const name = (kind: string): PropertySpecs => ({ name: { description: `Name of the ${kind}.`, type: 'string' } })
const exportPrivateKey: PropertySpecs = {
  exportPrivateKey: { description: 'Answer the private key too, as a secret.', type: 'boolean' },
}

const identity: PropertySpecs = {
  id: { description: 'Stable identity.', type: 'string' },
  name: { description: 'Name within kind and tenant.', type: 'string' },
  owner: { description: 'Who keeps it: cli, git:NAME, pulumi:PROJECT/STACK or api.', type: 'string' },
  labels: {
    description: 'Free words to find and group resources by.',
    type: 'object',
    additionalProperties: { type: 'string' },
  },
}

/** The functions of the package, by token. `validateCertificate` takes what the resource takes. */
export function functionSpecs(kinds: readonly KindNode[], book: TypeBook): Readonly<Record<string, FunctionSpec>> {
  const certificate = kinds.find(({ kind }) => kind === 'Certificate')
  return {
    [tokenOf('getCertificate')]: look('Certificate', 'A certificate with its current version.'),
    [tokenOf('getCertificateAuthority')]: look('CertificateAuthority', 'A certificate authority.'),
    [tokenOf('getCaChain')]: {
      description: 'The certificates of an authority and of those above it.',
      inputs: { type: 'object', properties: name('CertificateAuthority'), required: ['name'] },
      outputs: allOf({
        certificatePem: text("The authority's own certificate, PEM."),
        chainPem: text('Its own and those above it, nearest first, without the root, PEM.'),
        rootPem: text('The root, PEM.'),
        bundlePem: text('Its own and those above it, nearest first, the root last, PEM.'),
      }),
    },
    [tokenOf('getDnsProviderTypes')]: {
      description: 'The DNS services that a DnsProvider can write to, with the fields that each needs.',
      outputs: allOf({
        types: { description: 'By name of the type.', type: 'array', items: dnsProviderType(book) },
      }),
    },
    ...(certificate && { [tokenOf('validateCertificate')]: validate(certificate, book) }),
  }
}

function look(kind: string, description: string): FunctionSpec {
  const { properties, required = [] } = outputSpec(kind)
  return {
    description,
    inputs: { type: 'object', properties: { ...name(kind), ...exportPrivateKey }, required: ['name'] },
    outputs: {
      type: 'object',
      properties: { ...identity, ...properties },
      required: [...Object.keys(identity), ...required],
    },
  }
}

function validate({ kind, spec }: KindNode, book: TypeBook): FunctionSpec {
  const finding = book.define('Finding', {
    description: 'One thing found in a declaration.',
    ...allOf({
      level: text('error, or warning.'),
      code: text('Stable code of the error.'),
      message: text('What is wrong, in one sentence.'),
      remedy: text('What to do about it.'),
      property: text('Property that it concerns, such as domains[1]; empty for the whole.'),
    }),
    required: ['level', 'code', 'message', 'property'],
  })
  return {
    description: 'Tells whether a certificate could be declared so: its fields, its role, its names. Changes nothing.',
    inputs: {
      type: 'object',
      properties: {
        name: { description: 'Name that it would have.', type: 'string' },
        ...withoutReplacement(specProperties(kind, spec, book)),
      },
    },
    outputs: allOf({
      valid: { description: 'No finding is an error.', type: 'boolean' },
      findings: { description: 'Errors and warnings.', type: 'array', items: finding },
    }),
  }
}

function dnsProviderType(book: TypeBook): TypeSpec {
  const field = book.define('DnsProviderTypeField', {
    description: 'A field of credentials or config.',
    ...allOf({
      name: text('Name of the field.'),
      description: text('What it is.'),
      required: { description: 'It has to be given.', type: 'boolean' },
      secret: { description: 'It is confidential.', type: 'boolean' },
      default: text('What it is when it is not given.'),
    }),
    required: ['name', 'description', 'required', 'secret'],
  })
  return book.define('DnsProviderTypeInfo', {
    description: 'A DNS service.',
    ...allOf({
      type: text('What providerType says.'),
      title: text('Its name, for people.'),
      credentials: { description: 'Fields of credentials.', type: 'array', items: field },
      config: { description: 'Fields of config.', type: 'array', items: field },
    }),
  })
}

const text = (description: string): PropertySpec => ({ description, type: 'string' })

/** An object whose properties are always there. */
const allOf = (properties: PropertySpecs) =>
  ({ type: 'object', properties, required: Object.keys(properties) }) as const

/** Nothing is replaced by asking. */
const withoutReplacement = (properties: PropertySpecs): PropertySpecs =>
  Object.fromEntries(
    Object.entries(properties).map(([key, { willReplaceOnChanges: _never, ...property }]) => [key, property]),
  )
