import type { Users } from '@gitbeaker/rest'

type Options = NonNullable<ConstructorParameters<typeof Users>[0]>

/** The SDK's port for its way out; its package of types is not ours to import. */
export type RequesterFactory = NonNullable<Options['requesterFn']>
export type ResourceOptions = Parameters<RequesterFactory>[0]
export type RequesterType = ReturnType<RequesterFactory>
