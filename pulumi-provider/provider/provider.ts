import { createLocalBackends } from '../backend/local.ts'
import type { CallContext, ConfiguredProvider, Properties, ProviderSettings } from '../ports.ts'
import { createCheck } from './check.ts'
import { withoutSecrets } from './confidential.ts'
import { createDelete } from './delete.ts'
import { createDiff } from './diff.ts'
import { createInvoke } from './functions.ts'
import { createVerbs } from './make.ts'
import { ownerOf, type Parts, type ProviderPorts } from './parts.ts'
import { createProgram } from './program.ts'
import { createRead } from './read.ts'
import { errorInWords, inPulumiWords } from './words.ts'

/** A configured provider. The state is opened with the first call that needs it. */
export function openProvider(settings: ProviderSettings, { env, clock, log }: ProviderPorts): ConfiguredProvider {
  const backends = createLocalBackends(settings, {
    env,
    ...(clock && { clock }),
    log: { debug: () => {}, info: () => {}, warn: message => log?.('warning', message) },
  })
  const parts: Parts = {
    settings,
    program: createProgram(),
    backend: urn => backends.ownedBy(settings.owner ?? (urn === undefined ? 'pulumi' : ownerOf(urn))),
  }
  const check = createCheck(parts)
  const diff = createDiff(parts)
  const { create, update } = createVerbs(parts)
  const read = createRead(parts)
  const remove = createDelete(parts)
  const invoke = createInvoke(parts)
  return {
    async check(resource, inputs, oldInputs, context) {
      const checked = await told([inputs, oldInputs], context, own => check(resource, inputs, oldInputs, own))
      if (checked.failures.length === 0) return checked
      const hide = withoutSecrets(inputs, oldInputs)
      return { ...checked, failures: checked.failures.map(each => ({ ...each, reason: hide(each.reason) })) }
    },
    diff: (resource, request, context) =>
      told([request.inputs, request.oldInputs, request.oldOutputs], context, own => diff(resource, request, own)),
    create: (resource, request, context) => told([request.inputs], context, own => create(resource, request, own)),
    update: (resource, request, context) =>
      told([request.inputs, request.oldInputs, request.oldOutputs], context, own => update(resource, request, own)),
    read: (resource, request, context) =>
      told([request.inputs, request.outputs], context, own => read(resource, request, own)),
    delete: (resource, request, context) =>
      told([request.oldInputs, request.outputs], context, own => remove(resource, request, own)),
    invoke: (token, args, context) => told([args], context, own => invoke(token, args, own)),
    close: () => backends.close(),
  }
}

/** Whatever is told of a call is told in a program's words, and without the secrets that it was given. */
async function told<T>(
  given: readonly Properties[],
  context: CallContext,
  work: (context: CallContext) => Promise<T>,
): Promise<T> {
  // Most calls tell nothing.
  const words = (text: string) => withoutSecrets(...given)(inPulumiWords(text))
  try {
    return await work({
      signal: context.signal,
      tell: (severity, message) => context.tell(severity, words(message)),
    })
  } catch (error) {
    throw errorInWords(error, words)
  }
}
