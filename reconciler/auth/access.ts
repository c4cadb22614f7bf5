import type { Caller } from '../services.ts'

/**
 * Who may call a route. Every route says it; one that does not is refused when the application starts.
 *
 * - `open`: anybody; it shows nothing of a tenant.
 * - `scope`: an API key that holds it.
 * - `scope` with `local`: also a person or program on this machine, who then sees every tenant.
 */
export type Access = 'open' | { readonly scope: string; readonly local?: true }

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
  }
  interface FastifyRequest {
    /** Set where an API key was given and is good. */
    caller: Caller | undefined
  }
}
