import * as trustform from '@trustform/pulumi'

const root = new trustform.CertificateAuthority(
  'root',
  { type: 'root', commonName: 'Acme Root CA', keyType: 'ec', subject: { organization: 'Acme' } },
  { protect: true },
)

const servers = new trustform.Role('servers', {
  ca: root.name,
  allowedDomains: ['internal.acme.example'],
  allowSubdomains: true,
  maxTtl: '90d',
})

// One certificate for each service: a new line here is all that a new one takes.
const certificates = ['web', 'api', 'queue'].map(
  service =>
    new trustform.Certificate(service, {
      role: servers.name,
      domains: [`${service}.internal.acme.example`],
      ttl: '30d',
      exportPrivateKey: true,
    }),
)

export const rootCertificate = root.certificatePem
export const expiry = certificates.map(certificate => certificate.notAfter)
export const web = { certificate: certificates[0]?.fullchainPem, privateKey: certificates[0]?.privateKeyPem }
