import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Command } from './measure.ts'

const root = resolve(import.meta.dirname, '../..')

/** The product as it is installed: `bin/trustform` on `dist/`. */
export const trustform = join(root, 'bin/trustform')

/** A configuration of many role-issued certificates with an empty state beside it. */
export interface Fleet {
  readonly folder: string
  readonly configuration: string
  command(...args: string[]): Command
  remove(): void
}

/** Three resources that the certificates stand on; their names begin with `prefix`, so that several fleets fit in a state. */
export const authorities = (prefix = ''): string => `apiVersion: trustform/v1
kind: CertificateAuthority
metadata: {name: ${prefix}root}
spec: {type: root, commonName: Bench Root CA, keyType: ec, validity: 7300d}
---
apiVersion: trustform/v1
kind: CertificateAuthority
metadata: {name: ${prefix}issuing}
spec: {type: intermediate, parent: ${prefix}root, commonName: Bench Issuing CA, keyType: ec, validity: 3650d}
---
apiVersion: trustform/v1
kind: Role
metadata: {name: ${prefix}web}
spec: {ca: ${prefix}issuing, allowedDomains: [bench.example], allowSubdomains: true, keyType: ec, keyBits: 256}
`

const perFile = 1000

/** Writes `count` certificates, a thousand to a file, as people who generate configuration do. */
export function createFleet(count: number): Fleet {
  const folder = mkdtempSync(join(tmpdir(), 'trustform-bench-'))
  const configuration = join(folder, 'configuration')
  mkdirSync(configuration)
  writeFileSync(join(configuration, 'authorities.yaml'), authorities())
  for (let first = 0; first < count; first += perFile) {
    const documents = Array.from({ length: Math.min(perFile, count - first) }, (_, i) => certificate(first + i))
    writeFileSync(join(configuration, `certificates-${first / perFile}.yaml`), documents.join('---\n'))
  }
  const env = {
    TRUSTFORM_MASTER_KEY: randomBytes(32).toString('base64'),
    TRUSTFORM_STATE: `sqlite:${join(folder, 'state.db')}`,
  }
  return {
    folder,
    configuration,
    command: (...args) => ({ command: trustform, args, cwd: folder, env }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** One role-issued certificate; another `generation` asks for another name, so it is issued anew. */
export function certificate(number: number, prefix = '', generation = 0): string {
  const names = [`host-${number}`, ...(generation > 0 ? [`generation-${generation}`] : [])]
  return `apiVersion: trustform/v1
kind: Certificate
metadata:
  name: ${prefix}host-${number}
spec:
  role: ${prefix}web
  commonName: host-${number}.bench.example
  domains:
${names.map(name => `    - ${name}.bench.example\n`).join('')}  ttl: 60d
`
}
