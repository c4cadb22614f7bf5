import { isJsonObject } from '../core/json.ts'
import { type Answer, fieldsOf, jsonObject } from './answer.ts'

/** RFC 8555 §7.1.1. */
export interface Directory {
  readonly newNonce: string
  readonly newAccount: string
  readonly newOrder: string
  readonly revokeCert: string
  readonly keyChange: string | undefined
  /** RFC 9773 §4.1; absent where the CA does not advise on renewal. */
  readonly renewalInfo: string | undefined
  readonly meta: DirectoryMeta
}

export interface DirectoryMeta {
  readonly termsOfService: string | undefined
  readonly website: string | undefined
  /** Names by which the CA knows itself in CAA records (RFC 8659). */
  readonly caaIdentities: readonly string[]
  readonly externalAccountRequired: boolean
  /** Description by profile name (draft-ietf-acme-profiles); empty where the CA has none. */
  readonly profiles: Readonly<Record<string, string>>
}

/** The directory in an answer. Throws `acme_malformed`. */
export function readDirectory(answer: Answer): Directory {
  const directory = fieldsOf(jsonObject(answer), answer)
  const metaObject = directory.optionalObject('meta') ?? {}
  const meta = fieldsOf(metaObject, answer)
  return {
    newNonce: directory.url('newNonce'),
    newAccount: directory.url('newAccount'),
    newOrder: directory.url('newOrder'),
    revokeCert: directory.url('revokeCert'),
    keyChange: directory.optionalUrl('keyChange'),
    renewalInfo: directory.optionalUrl('renewalInfo'),
    meta: {
      termsOfService: meta.optionalString('termsOfService'),
      website: meta.optionalString('website'),
      caaIdentities: Array.isArray(metaObject.caaIdentities) ? meta.strings('caaIdentities') : [],
      externalAccountRequired: meta.boolean('externalAccountRequired'),
      profiles: readProfiles(metaObject.profiles),
    },
  }
}

function readProfiles(value: unknown): Record<string, string> {
  if (!isJsonObject(value)) return {}
  return Object.fromEntries(Object.entries(value).map(([name, description]) => [name, String(description ?? '')]))
}
