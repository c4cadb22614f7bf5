import { apiKeyRoutes } from './api-keys.ts'
import { auditRoutes } from './audit.ts'
import type { Routes } from './context.ts'
import { documentationRoutes } from './documentation.ts'
import { eventRoutes } from './events.ts'
import { healthRoutes } from './health.ts'
import { hookRoutes } from './hooks.ts'
import { planRoutes } from './plans.ts'
import { runRoutes } from './runs.ts'
import { sourceRoutes } from './sources.ts'
import { statusRoutes } from './status.ts'

/** One file per noun. */
export const routes: readonly Routes[] = [
  statusRoutes,
  healthRoutes,
  sourceRoutes,
  planRoutes,
  runRoutes,
  eventRoutes,
  auditRoutes,
  apiKeyRoutes,
  hookRoutes,
  documentationRoutes,
]
