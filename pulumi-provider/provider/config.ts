import { EngineError } from '../../engine/index.ts'
import {
  type CheckFailure,
  type Difference,
  type FieldDifference,
  type Properties,
  type ProviderSettings,
  SecretValue,
  unknown,
  type Value,
} from '../ports.ts'

type Reader = (value: Value) => { readonly value: string | boolean } | { readonly wrong: string }

const text: Reader = value =>
  typeof value === 'string' && value.trim() !== '' ? { value } : { wrong: 'is not a text' }

/** Programs send what is no text as JSON in a text. */
const truth: Reader = value => {
  if (typeof value === 'boolean') return { value }
  if (value === 'true' || value === 'false') return { value: value === 'true' }
  return { wrong: 'is neither true nor false' }
}

const matching =
  (pattern: RegExp, expected: string): Reader =>
  value =>
    typeof value === 'string' && pattern.test(value) ? { value } : { wrong: `is not ${expected}` }

/** Of a resolver the port may be left out. */
const endpoint = /^(\[[0-9a-f:]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?$/i

/** The provider's settings: how each is read, and whether every resource is another one with another value. */
const readers: Readonly<Record<keyof ProviderSettings, { readonly read: Reader; readonly replaces?: true }>> = {
  state: { read: matching(/^(sqlite:.|postgres(ql)?:\/\/.)/s, 'sqlite:PATH or postgres://…') },
  masterKeyFile: { read: text },
  // The same names in another tenant are other resources; a state that moved holds the same ones.
  tenant: {
    read: matching(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/, "a name of letters, digits, '.', '_' and '-'"),
    replaces: true,
  },
  owner: { read: matching(/^[\x21-\x7e]{1,256}$/, 'a word such as pulumi:shop/production') },
  adopt: { read: truth },
  resolver: { read: matching(endpoint, 'HOST:PORT, such as 192.0.2.53:53 or [2001:db8::53]:53') },
  http01Listen: { read: matching(/^(\[[0-9a-f:]+\]|[A-Za-z0-9.-]*):\d{1,5}$/i, 'HOST:PORT or :PORT') },
}

const defaults: Partial<Record<string, string | boolean>> = { tenant: 'default', adopt: false }

/** Beside our settings: what the engine and SDKs put there. */
const foreign = /^(version|pluginDownloadURL|pluginChecksums|__.*)$/

/** Pure; unknown values pass. Environment defaults are not written into what the stack remembers. */
export function checkConfig(config: Properties): {
  readonly inputs: Properties
  readonly failures: readonly CheckFailure[]
} {
  const inputs: { [name: string]: Value } = {}
  const failures: CheckFailure[] = []
  for (const [name, given] of Object.entries(config)) {
    const value = plain(given)
    if (value === null || value === undefined) continue
    if (!isSetting(name)) {
      if (foreign.test(name)) inputs[name] = given
      else failures.push({ property: name, reason: `there is no setting ${name}; settings: ${names.join(', ')}` })
      continue
    }
    if (value === unknown) {
      inputs[name] = given
      continue
    }
    const read = readers[name].read(value)
    // Only what is expected is told: a state's URL may hold a password.
    if ('wrong' in read) failures.push({ property: name, reason: `${name} ${read.wrong}` })
    else inputs[name] = given instanceof SecretValue ? new SecretValue(read.value) : read.value
  }
  return { inputs, failures }
}

/** Which settings differ, however they are spelt. */
export function diffConfig(old: Properties, news: Properties): Difference {
  const fields = new Map<string, FieldDifference>()
  for (const name of names) {
    const [before, after] = [settled(name, old[name]), settled(name, news[name])]
    if (before === after && after !== unknown) continue
    const kind = before === undefined ? 'add' : after === undefined ? 'delete' : 'update'
    const replaces = readers[name].replaces === true && after !== unknown
    fields.set(name, { kind, replaces, input: true })
  }
  return { fields }
}

/** The settings with their defaults; the environment's come last. Throws `usage` for what is wrong or not known yet. */
export function settingsOf(config: Properties, env: Readonly<Record<string, string | undefined>>): ProviderSettings {
  const { inputs, failures } = checkConfig(config)
  const [failure] = failures
  if (failure) throw wrongSetting(failure.reason)
  const missing = names.find(name => settled(name, inputs[name]) === unknown)
  if (missing) throw wrongSetting(`${missing} is not known yet`)
  const value = (name: keyof ProviderSettings) => settled(name, inputs[name])
  const optional = (name: 'masterKeyFile' | 'owner' | 'resolver' | 'http01Listen') => {
    const set = value(name)
    return set === undefined ? {} : { [name]: String(set) }
  }
  return {
    state: String(value('state') ?? (env.TRUSTFORM_STATE || 'sqlite:.trustform/state.db')),
    tenant: String(value('tenant')),
    adopt: value('adopt') === true,
    ...optional('masterKeyFile'),
    ...optional('owner'),
    ...optional('resolver'),
    ...optional('http01Listen'),
  }
}

const names = Object.keys(readers).filter(isSetting)

function isSetting(name: string): name is keyof ProviderSettings {
  return Object.hasOwn(readers, name)
}

/** A setting as it counts: read, with its default. */
function settled(name: keyof ProviderSettings, given: Value | undefined): Value | undefined {
  const value = plain(given)
  if (value === null || value === undefined) return defaults[name]
  if (value === unknown) return unknown
  const read = readers[name].read(value)
  return 'wrong' in read ? value : read.value
}

function plain(value: Value | undefined): Value | undefined {
  return value instanceof SecretValue ? plain(value.value) : value
}

function wrongSetting(what: string): EngineError {
  return new EngineError('usage', `the provider's ${what}`, {
    remedy:
      'correct the provider configuration: `pulumi config set trustform:NAME VALUE`, or the arguments of the Provider',
  })
}
