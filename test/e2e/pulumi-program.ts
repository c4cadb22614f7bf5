import type { Declaration } from './pulumi-world.ts'

/** Declarations of a YAML program; references are written as the language has them. */
function declaration(kind: string, properties: object, options?: object): Declaration {
  return { type: `trustform:${kind}`, properties, ...(options && { options }) }
}

export const ref = (name: string, output = 'name') => `\${${name}.${output}}`

/** A whole resource, variable or setting. */
export const the = (name: string) => `\${${name}}`

export const rootCa = (more: object = {}, options?: object) =>
  declaration('CertificateAuthority', { type: 'root', commonName: 'Acme Root', keyType: 'ec', ...more }, options)

/** For names below acme.example, signed by `root`. */
export const role = (more: object = {}, options?: object) =>
  declaration(
    'Role',
    { ca: ref('root'), allowedDomains: ['acme.example'], allowSubdomains: true, maxTtl: '90d', ...more },
    options,
  )

/** From the role `servers`. */
export const certificate = (more: object = {}, options?: object) =>
  declaration('Certificate', { role: ref('servers'), domains: ['web.acme.example'], ttl: '30d', ...more }, options)

export const secret = (data: object, more: object = {}, options?: object) =>
  declaration('Secret', { path: 'app/web', data, ...more }, options)

export const dnsProvider = (more: object, options?: object) => declaration('DnsProvider', more, options)

export const acmeAccount = (more: object, options?: object) => declaration('AcmeAccount', more, options)

export const trustAnchor = (more: object, options?: object) => declaration('TrustAnchor', more, options)

/** A root, a role and a certificate. */
export const pki = { root: rootCa(), servers: role(), web: certificate() }
