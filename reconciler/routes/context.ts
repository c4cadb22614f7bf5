import type { FastifyInstance } from 'fastify'
import type { Metrics } from '../metrics.ts'
import type { RouteTable } from '../route-table.ts'
import type { Services } from '../services.ts'

/** What the files of routes work with. */
export interface RouteContext {
  readonly services: Services
  readonly table: RouteTable
  readonly metrics: Metrics
  readonly publicUrl?: string
  /** Also take repositories over plain http and file URLs, for tests. */
  readonly allowInsecureGit?: boolean
  /** Aborts when streams have to end. */
  readonly stopping?: AbortSignal
}

/** Adds the routes of one noun. */
export type Routes = (app: FastifyInstance, context: RouteContext) => void
