/** What `trustform init` writes: small, commented, and it applies without another word. */
export const starter = `# A private certificate authority and one server certificate.
#
#   trustform plan  -f trustform.yaml     shows what would happen
#   trustform apply -f trustform.yaml     makes it so; run it again any time, it only does what is needed
#   trustform list                        shows what exists and when it expires
#
# For completion in editors: trustform schema > trustform.schema.json
# yaml-language-server: $schema=trustform.schema.json

# The root signs only other authorities. Everything that trusts it trusts what is below it.
apiVersion: trustform/v1
kind: CertificateAuthority
metadata:
  name: root
spec:
  type: root
  commonName: Example Root CA
  keyType: ec
  keySize: 384
  validity: 3650d
lifecycle:
  protect: true # no plan deletes or replaces it
---
# The intermediate signs certificates. It can be replaced without touching who trusts the root.
apiVersion: trustform/v1
kind: CertificateAuthority
metadata:
  name: issuing
spec:
  type: intermediate
  parent: root # a reference: the name of another CertificateAuthority
  commonName: Example Issuing CA
  keyType: ec
  keySize: 256
  validity: 1825d
  maxPathLength: 0 # no authority below this one
---
# A role says what may be issued: which names, how long, for what.
apiVersion: trustform/v1
kind: Role
metadata:
  name: servers
spec:
  ca: issuing
  allowedDomains: [internal.example]
  allowSubdomains: true
  maxTtl: 90d
  keyType: ec
  keyBits: 256
  extendedKeyUsages: [serverAuth]
---
# A certificate is renewed by the next apply (or \`trustform renew --due\`) once two thirds of its life are over.
apiVersion: trustform/v1
kind: Certificate
metadata:
  name: web
spec:
  role: servers
  commonName: web.internal.example
  domains: [web.internal.example]
  ttl: 30d
`
