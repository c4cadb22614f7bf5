import { describe, expect, test } from 'vitest'
import { acmeProviders, directoryUrlOf, type ProviderChoice } from './providers.ts'

describe('an account of', () => {
  const good: [what: string, choice: ProviderChoice, want: string][] = [
    [
      "Let's Encrypt",
      { provider: 'letsencrypt', environment: 'production' },
      'https://acme-v02.api.letsencrypt.org/directory',
    ],
    [
      "Let's Encrypt's staging",
      { provider: 'letsencrypt', environment: 'staging' },
      'https://acme-staging-v02.api.letsencrypt.org/directory',
    ],
    [
      'a CA of its own',
      { provider: 'custom', environment: 'production', directoryUrl: 'https://ca.example/dir' },
      'https://ca.example/dir',
    ],
  ]
  test.each(good)('%s has its directory', (_what, choice, want) => expect(directoryUrlOf(choice)).toBe(want))

  const bad: [what: string, choice: ProviderChoice, code: string, words: RegExp][] = [
    ['Buypass', { provider: 'buypass', environment: 'production' }, 'acme_ca_retired', /2025-10-31/],
    [
      "ZeroSSL's staging",
      { provider: 'zerossl', environment: 'staging' },
      'schema_violation',
      /no staging environment/,
    ],
    [
      'a custom CA without a directory',
      { provider: 'custom', environment: 'production' },
      'schema_violation',
      /no directoryUrl/,
    ],
    ['nobody', { provider: 'toString', environment: 'production' }, 'schema_violation', /no ACME provider "toString"/],
  ]
  test.each(bad)('%s is refused', (_what, choice, code, words) => {
    expect(() => directoryUrlOf(choice)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(words) }),
    )
  })
})

test('exactly Google and ZeroSSL need an external account', () => {
  const bound = Object.keys(acmeProviders).filter(name => acmeProviders[name]?.externalAccountRequired)
  expect(bound.sort()).toEqual(['google', 'zerossl'])
})
