import { dump } from 'js-yaml'
import { type CertificateView, EngineError, type ObjectView, parseAddress } from '../../index.ts'
import type { Context, Define } from '../context.ts'
import { exit } from '../io.ts'
import { objectJson } from '../object-json.ts'
import { writePrivate, writePublic } from '../output-file.ts'
import { withState } from '../with-engine.ts'

const formats = ['json', 'yaml', 'pem', 'chain', 'fullchain', 'key', 'crl'] as const
type Format = (typeof formats)[number]

interface Options {
  readonly format: Format
  readonly out?: string
}

export const define: Define = (command, action) => {
  command
    .argument('<address>', 'Kind/name')
    .addOption(
      command
        .createOption('--format <format>', 'pem: the certificate alone; chain: its issuers; fullchain: both')
        .choices(formats)
        .default('json'),
    )
    .option('--out <file>', 'write to a file instead of stdout; a key gets mode 0600')
    .action(action(get))
}

async function get(context: Context, address: string, { format, out }: Options): Promise<number> {
  const { kind, name } = parseAddress(address)
  const text = await withState(context, async engine => {
    if (format === 'crl') return pem('X509 CRL', await engine.crl(`${kind}/${name}`))
    return textOf(await engine.get(`${kind}/${name}`), format)
  })
  if (out === undefined) context.io.stdout.write(text)
  else await (format === 'key' ? writePrivate : writePublic)(out, text)
  return exit.done
}

async function textOf(object: ObjectView, format: Exclude<Format, 'crl'>): Promise<string> {
  switch (format) {
    case 'json':
      return `${JSON.stringify(objectJson(object), null, 2)}\n`
    case 'yaml':
      return dump(objectJson(object), { lineWidth: 120 })
    case 'pem':
      return certificateOf(object).pem
    case 'chain':
      return certificateOf(object).chainPem
    case 'fullchain':
      return certificateOf(object).pem + certificateOf(object).chainPem
    case 'key':
      return keyOf(object)
  }
}

function certificateOf({ certificate, resource: { address } }: ObjectView): CertificateView {
  if (certificate) return certificate
  throw new EngineError('not_found', `${address} has no certificate`, {
    address,
    remedy: 'use --format json or yaml for what it has',
  })
}

async function keyOf(object: ObjectView): Promise<string> {
  const key = await certificateOf(object).key?.()
  if (key) return key.reveal()
  const { address } = object.resource
  throw new EngineError('not_found', `the private key of ${address} is not kept here`, {
    address,
    remedy: 'it stays with whoever made the request or the certificate',
  })
}

/** RFC 7468 §2: lines of 64 characters. */
function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
