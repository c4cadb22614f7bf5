import { expect, test } from 'vitest'
import { resourceName } from './resource-name.ts'

const cases: [what: string, urn: string, kind: string, name: string][] = [
  ['a resource', 'urn:pulumi:dev::shop::trustform:index:Certificate::web', 'Certificate', 'web'],
  ['a child', 'urn:pulumi:dev::shop::pkg:index:Site$trustform:index:Role::web', 'Role', 'web'],
  ['a name with colons', 'urn:pulumi:dev::shop::trustform:index:Role::a::b:c', 'Role', 'a::b:c'],
]
test.each(cases)('%s', (_what, urn, kind, name) => expect(resourceName(urn)).toEqual({ urn, kind, name }))

test.each([
  ['another package', 'urn:pulumi:dev::shop::aws:index:Bucket::web'],
  ['another module', 'urn:pulumi:dev::shop::trustform:acme:Account::web'],
  ['no name', 'urn:pulumi:dev::shop::trustform:index:Role'],
  ['nothing', ''],
])('%s is refused', (_what, urn) => {
  expect(() => resourceName(urn)).toThrow(/^this provider has no resource of type /)
})
