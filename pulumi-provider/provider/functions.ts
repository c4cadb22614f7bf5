import { type Address, declareResource, EngineError, type Look } from '../../engine/index.ts'
import type { CallContext, ConfiguredProvider, Properties, Value } from '../ports.ts'
import { dnsProviderTypeInfos } from '../schema/dns-provider-types.ts'
import { declarationOf } from './inputs.ts'
import { computed } from './outputs.ts'
import type { Parts } from './parts.ts'
import { propertyPath } from './pointers.ts'
import { isTrue, textOf } from './values.ts'
import { diagnosticInPulumiWords } from './words.ts'

type Answer = Awaited<ReturnType<ConfiguredProvider['invoke']>>
type Ask = (parts: Parts, args: Properties, context: CallContext) => Promise<Answer>

/** What programs can ask without declaring anything. */
const functions: Readonly<Record<string, Ask>> = {
  getCertificate: look('Certificate'),
  getCertificateAuthority: look('CertificateAuthority'),
  async getCaChain(parts, args) {
    const seen = await found(parts, 'CertificateAuthority', args)
    if (!('resource' in seen)) return seen
    const facts = await computed(seen, false)
    const pem = (name: string) => textOf(facts[name]) ?? ''
    const [certificatePem, rootPem] = [pem('certificatePem'), pem('rootPem')]
    // A root is no part of a chain, also of its own.
    const chainPem = certificatePem === rootPem ? '' : `${certificatePem}${pem('chainPem')}`
    const outputs = { certificatePem, chainPem, rootPem, bundlePem: `${chainPem}${rootPem}` }
    return { outputs, failures: [] }
  },
  async getDnsProviderTypes() {
    const types = dnsProviderTypeInfos().map(({ type, title, credentials, config }) => ({
      type,
      title,
      credentials: credentials.map(field => ({ ...field })),
      config: config.map(field => ({ ...field })),
    }))
    return { outputs: { types }, failures: [] }
  },
  validateCertificate,
}

const tokenPrefix = 'trustform:index:'

export function createInvoke(parts: Parts): ConfiguredProvider['invoke'] {
  return async (token, args, context) => {
    const name = token.startsWith(tokenPrefix) ? token.slice(tokenPrefix.length) : ''
    const answer = Object.hasOwn(functions, name) ? functions[name] : undefined
    if (answer) return answer(parts, args, context)
    throw new EngineError('not_found', `there is no function ${token}`, {
      remedy: `use one of ${Object.keys(functions)
        .map(each => tokenPrefix + each)
        .join(', ')}`,
    })
  }
}

function look(kind: string): Ask {
  return async (parts, args) => {
    const seen = await found(parts, kind, args)
    if (!('resource' in seen)) return seen
    const { id, name, owner, labels } = seen.resource
    const outputs = { id, name, owner, labels, ...(await computed(seen, isTrue(args.exportPrivateKey))) }
    return { outputs, failures: [] }
  }
}

async function found({ backend }: Parts, kind: string, args: Properties): Promise<Look | Answer> {
  const name = textOf(args.name)
  if (name === undefined) {
    const reason = `name is missing\n  remedy: set it to the name of the ${kind}`
    return { outputs: {}, failures: [{ property: 'name', reason }] }
  }
  const address: Address = `${kind}/${name}`
  const seen = await (await backend()).look({ address }, { outside: false })
  if (seen) return seen
  throw new EngineError('not_found', `${address} does not exist`, {
    address,
    remedy: '`trustform list` shows what exists; for a resource of this program, use its outputs instead',
  })
}

/** As a declaration would be judged: by the schema, and where that has nothing to say by a plan. */
async function validateCertificate(
  { backend, program }: Parts,
  args: Properties,
  { signal }: CallContext,
): Promise<Answer> {
  const inputs = { ...args, name: textOf(args.name) ?? 'to-be-validated' }
  const { resource, diagnostics } = await declareResource(declarationOf('Certificate', inputs))
  const findings: Finding[] = diagnostics.map(diagnostic => ({ ...diagnostic, level: diagnostic.severity }))
  if (resource) {
    const { address } = resource
    const question = { address, resource, beside: program.previewed, adopt: true, signal }
    const { document } = await (await backend()).plan(question)
    findings.push(...document.preflight.filter(finding => finding.address === address))
  }
  const valid = findings.every(({ level }) => level !== 'error')
  return { outputs: { valid, findings: findings.map(finding => told(finding, inputs)) }, failures: [] }
}

interface Finding {
  readonly level: string
  readonly code: string
  readonly message: string
  readonly remedy?: string
  readonly pointer?: string
}

function told(finding: Finding, inputs: Properties): Value {
  const { level, code, message, remedy, pointer = '' } = diagnosticInPulumiWords(finding)
  const property = pointer === '/spec' ? '' : propertyPath(pointer, inputs)
  return { level, code, message, property, ...(remedy !== undefined && { remedy }) }
}
