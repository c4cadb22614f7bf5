import type { FastifyInstance } from 'fastify'
import type { AppOptions } from '../app.ts'
import type { Metrics } from '../metrics.ts'
import type { RouteTable } from '../route-table.ts'
import type { Services } from '../services.ts'

/** What the files of routes work with. */
export interface RouteContext extends Pick<AppOptions, 'publicUrl' | 'stopping'> {
  readonly services: Services
  readonly table: RouteTable
  readonly metrics: Metrics
}

/** Adds the routes of one noun. */
export type Routes = (app: FastifyInstance, context: RouteContext) => void
