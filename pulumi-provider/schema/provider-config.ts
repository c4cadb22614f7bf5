import type { PropertySpecs } from './package-spec.ts'

/**
 * How a provider finds its state. What the environment says is filled in when the provider is configured, not by
 * SDKs: it would be recorded, and another machine's would look like a change.
 */
export const providerConfig: PropertySpecs = {
  state: {
    description:
      'Where the state of Trustform is: sqlite:PATH, and in a later version postgres://USER@HOST/DATABASE. Default: $TRUSTFORM_STATE, else sqlite:.trustform/state.db below the folder of the program.',
    type: 'string',
    // A PostgreSQL URL may have a password in it.
    secret: true,
  },
  masterKeyFile: {
    description:
      'File with the master key that keys and secrets in the state are encrypted under. Default: $TRUSTFORM_MASTER_KEY_FILE.',
    type: 'string',
  },
  tenant: { description: 'Tenant of the state. Default: default.', type: 'string' },
  owner: {
    description: 'Who the resources belong to. Default: pulumi:PROJECT/STACK.',
    type: 'string',
  },
  adopt: {
    description: 'Take over every declared resource that another door owns. Better said of one resource, by its adopt.',
    type: 'boolean',
  },
  resolver: {
    description: "DNS resolver, HOST:PORT, by which zones and delegations are found. Default: the system's.",
    type: 'string',
  },
  http01Listen: {
    description: 'Where http-01 challenges are answered, HOST:PORT or :PORT; port 80 has to lead there. Default: :80.',
    type: 'string',
  },
}
