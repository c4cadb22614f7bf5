import { EngineError } from '../core/errors.ts'

export type Environment = 'production' | 'staging'

/** A public CA as `AcmeAccount` names it. */
export interface AcmeProvider {
  readonly displayName: string
  readonly directories: Partial<Readonly<Record<Environment, string>>>
  readonly externalAccountRequired: boolean
  /** Why nobody can use it any more. */
  readonly retired?: string
}

/** Verified 2026-11 against each CA's documentation. */
export const acmeProviders: Readonly<Record<string, AcmeProvider>> = {
  letsencrypt: {
    displayName: "Let's Encrypt",
    directories: {
      production: 'https://acme-v02.api.letsencrypt.org/directory',
      staging: 'https://acme-staging-v02.api.letsencrypt.org/directory',
    },
    externalAccountRequired: false,
  },
  zerossl: {
    displayName: 'ZeroSSL',
    // ZeroSSL runs no staging environment.
    directories: { production: 'https://acme.zerossl.com/v2/DV90' },
    externalAccountRequired: true,
  },
  google: {
    displayName: 'Google Trust Services',
    directories: {
      production: 'https://dv.acme-v02.api.pki.goog/directory',
      staging: 'https://dv.acme-v02.test-api.pki.goog/directory',
    },
    externalAccountRequired: true,
  },
  buypass: {
    displayName: 'Buypass',
    directories: {},
    externalAccountRequired: false,
    retired: 'it took no new accounts after 2025-09-15 and issued its last certificate on 2025-10-31',
  },
}

export interface ProviderChoice {
  /** A name of `acmeProviders`, or `custom`. */
  readonly provider: string
  readonly environment: Environment
  /** For `custom`; overrides the documented URL otherwise. */
  readonly directoryUrl?: string
}

/** The directory URL of an account. Throws `acme_ca_retired` or `schema_violation`. Pure: it serves the preflight too. */
export function directoryUrlOf(choice: ProviderChoice): string {
  const { provider: name, environment, directoryUrl } = choice
  if (name === 'custom') {
    if (directoryUrl !== undefined) return directoryUrl
    throw new EngineError('schema_violation', 'a custom ACME provider has no directoryUrl', {
      remedy: "set directoryUrl to the address of the CA's ACME directory",
    })
  }
  const provider = Object.hasOwn(acmeProviders, name) ? acmeProviders[name] : undefined
  if (!provider) {
    throw new EngineError('schema_violation', `there is no ACME provider "${name}"`, {
      remedy: `use one of ${Object.keys(acmeProviders).join(', ')} or custom with a directoryUrl`,
    })
  }
  if (provider.retired !== undefined) {
    throw new EngineError('acme_ca_retired', `${provider.displayName} ended its ACME service: ${provider.retired}`, {
      remedy: 'use letsencrypt, google or zerossl',
    })
  }
  const url = directoryUrl ?? provider.directories[environment]
  if (url === undefined) {
    throw new EngineError('schema_violation', `${provider.displayName} has no ${environment} environment`, {
      remedy: `use environment: ${Object.keys(provider.directories).join(' or ')}, or letsencrypt for trials`,
    })
  }
  return url
}
