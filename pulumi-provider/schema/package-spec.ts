/** The parts of Pulumi's package schema that we write (pkg/codegen/schema/pulumi.json of Pulumi 3.259). */
export interface TypeSpec {
  readonly type?: 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object'
  /** `#/types/trustform:index:Lifecycle`, or `pulumi.json#/Any`. */
  readonly $ref?: string
  readonly items?: TypeSpec
  readonly additionalProperties?: TypeSpec
  readonly oneOf?: readonly TypeSpec[]
}

export interface PropertySpec extends TypeSpec {
  readonly description: string
  readonly default?: string | number | boolean
  /** Environment variables whose value is the default; only in a provider's configuration. */
  readonly defaultInfo?: { readonly environment: readonly string[] }
  readonly secret?: true
  /** The provider answers a change with a replacement. */
  readonly willReplaceOnChanges?: true
}

export type PropertySpecs = Readonly<Record<string, PropertySpec>>

export interface ObjectSpec {
  readonly description?: string
  readonly type: 'object'
  readonly properties: PropertySpecs
  readonly required?: readonly string[]
}

export interface EnumSpec {
  readonly description: string
  readonly type: 'string'
  readonly enum: readonly { readonly name: string; readonly value: string }[]
}

export interface ResourceSpec {
  readonly description: string
  readonly inputProperties: PropertySpecs
  readonly requiredInputs: readonly string[]
  readonly properties: PropertySpecs
  readonly required: readonly string[]
  /** Tokens that the resource had before. */
  readonly aliases?: readonly { readonly type: string }[]
}

export interface FunctionSpec {
  readonly description: string
  readonly inputs?: ObjectSpec
  readonly outputs: ObjectSpec
}

export interface PackageSpec {
  readonly name: string
  readonly displayName: string
  readonly version: string
  readonly description: string
  readonly keywords: readonly string[]
  readonly homepage: string
  readonly publisher: string
  readonly namespace?: string
  readonly config: { readonly variables: PropertySpecs }
  readonly provider: Omit<ResourceSpec, 'properties' | 'required'> & Partial<ResourceSpec>
  readonly types: Readonly<Record<string, ObjectSpec | EnumSpec>>
  readonly resources: Readonly<Record<string, ResourceSpec>>
  readonly functions: Readonly<Record<string, FunctionSpec>>
  readonly language: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}
