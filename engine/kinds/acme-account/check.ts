import type { AcmeAccountSpec } from '../../../schemas/generated/types.ts'
import { acmeProviders, directoryUrlOf } from '../../acme/providers.ts'
import { EngineError } from '../../core/errors.ts'
import type { Finding, Subject } from '../driver.ts'
import { specOf } from '../spec.ts'

/** What is known of the CA without asking it: it is there, has that environment, and takes this kind of account. */
export function checkAccount(subject: Subject): readonly Finding[] {
  const spec = specOf<AcmeAccountSpec>(subject)
  return [...unknownServer(spec), ...missingBinding(spec), ...staging(spec)]
}

function unknownServer({ provider, environment, directoryUrl }: AcmeAccountSpec): readonly Finding[] {
  try {
    directoryUrlOf({ provider, environment, ...(directoryUrl !== undefined && { directoryUrl }) })
    return []
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    const { code, message, remedy = 'choose another provider' } = error
    return [{ check: 'acme-provider', level: 'error', code, message, remedy, pointer: '/spec/provider' }]
  }
}

function missingBinding(spec: AcmeAccountSpec): readonly Finding[] {
  const provider = acmeProviders[spec.provider]
  if (!provider?.externalAccountRequired || spec.externalAccountBinding) return []
  return [
    {
      check: 'acme-eab',
      level: 'error',
      code: 'acme_eab_required',
      message: `${provider.displayName} only takes accounts bound to one of its own`,
      remedy: 'set externalAccountBinding.kid and .hmacKey to the values that it gives to its customers',
      pointer: '/spec/externalAccountBinding',
    },
  ]
}

function staging({ provider, environment }: AcmeAccountSpec): readonly Finding[] {
  if (environment !== 'staging' || provider === 'custom') return []
  return [
    {
      check: 'acme-environment',
      level: 'warning',
      code: 'schema_violation',
      message: 'certificates of a staging environment are not trusted by anyone',
      remedy: 'set environment: production once the configuration works',
      pointer: '/spec/environment',
    },
  ]
}
