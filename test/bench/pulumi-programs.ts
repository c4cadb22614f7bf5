import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import manifest from '../../package.json' with { type: 'json' }
import { pulumiSchema } from '../../pulumi-provider/schema/package.ts'
import { generateSdks, linkNodeSdk } from '../servers/pulumi-sdk.ts'
import type { BenchProgram } from './pulumi-world.ts'

const root = { type: 'root', commonName: 'Bench Root CA', keyType: 'ec', validity: '7300d' }
const issuing = { type: 'intermediate', commonName: 'Bench Issuing CA', keyType: 'ec', validity: '3650d' }
const web = { allowedDomains: ['bench.example'], allowSubdomains: true, keyType: 'ec', keyBits: 256 }

const reference = (name: string) => `\${${name}.name}`

/** Two authorities, a role and certificates from it: as many resources as are asked for. */
export function yamlProgram(resources: number): BenchProgram {
  const declared: { [name: string]: { readonly type: string; readonly properties: object } } = {
    root: { type: 'trustform:CertificateAuthority', properties: root },
    issuing: { type: 'trustform:CertificateAuthority', properties: { ...issuing, parent: reference('root') } },
    web: { type: 'trustform:Role', properties: { ...web, ca: reference('issuing') } },
  }
  for (let number = 0; number < resources - 3; number++) {
    const domain = `host-${number}.bench.example`
    const properties = { role: reference('web'), commonName: domain, domains: [domain], ttl: '60d' }
    declared[`host-${number}`] = { type: 'trustform:Certificate', properties }
  }
  return {
    name: 'bench-yaml',
    resources,
    async write(folder) {
      const program = { name: 'bench-yaml', runtime: 'yaml', resources: declared }
      writeFileSync(join(folder, 'Pulumi.yaml'), JSON.stringify(program, null, 1))
    },
  }
}

/** The same in JavaScript with the generated SDK. */
export function nodeProgram(resources: number): BenchProgram {
  const text = (value: object) => JSON.stringify(value)
  const program = `const { CertificateAuthority, Role, Certificate } = require('@trustform/pulumi')
const root = new CertificateAuthority('root', ${text(root)})
const issuing = new CertificateAuthority('issuing', { ...${text(issuing)}, parent: root.name })
const web = new Role('web', { ...${text(web)}, ca: issuing.name })
for (let number = 0; number < ${resources - 3}; number++) {
  const domain = \`host-\${number}.bench.example\`
  new Certificate(\`host-\${number}\`, { role: web.name, commonName: domain, domains: [domain], ttl: '60d' })
}
`
  return {
    name: 'bench-node',
    resources,
    async write(folder) {
      const { nodejs } = await generateSdks(pulumiSchema(manifest.version), join(folder, 'sdks'))
      await linkNodeSdk(nodejs, folder)
      const runtime = { name: 'nodejs', options: { typescript: false } }
      writeFileSync(join(folder, 'Pulumi.yaml'), JSON.stringify({ name: 'bench-node', main: 'index.js', runtime }))
      writeFileSync(join(folder, 'package.json'), '{"name":"bench-node","main":"index.js"}\n')
      writeFileSync(join(folder, 'index.js'), program)
    },
  }
}
