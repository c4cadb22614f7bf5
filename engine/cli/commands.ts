import type { Define } from './context.ts'

interface Entry {
  readonly name: string
  readonly summary: string
  readonly load: () => Promise<{ readonly define: Define }>
}

/** Every command, in the order of the help; a command's code is loaded when it is called. */
export const commands: readonly Entry[] = [
  {
    name: 'init',
    summary: 'write a commented starter configuration that applies as it is',
    load: () => import('./commands/init.ts'),
  },
  {
    name: 'validate',
    summary: 'report every error of a configuration, without network or secrets',
    load: () => import('./commands/validate.ts'),
  },
  {
    name: 'render',
    summary: 'print the merged configuration with the origin of each value',
    load: () => import('./commands/render.ts'),
  },
  {
    name: 'plan',
    summary: 'show what apply would do, and everything that would go wrong',
    load: () => import('./commands/plan.ts'),
  },
  {
    name: 'apply',
    summary: 'plan and apply, or apply exactly a saved plan',
    load: () => import('./commands/apply.ts'),
  },
  { name: 'destroy', summary: 'remove what was applied', load: () => import('./commands/destroy.ts') },
  {
    name: 'get',
    summary: 'print one object, its certificate, chain, key or revocation list',
    load: () => import('./commands/get.ts'),
  },
  { name: 'list', summary: 'list what exists and when it expires', load: () => import('./commands/list.ts') },
  { name: 'graph', summary: 'print the dependency graph', load: () => import('./commands/graph.ts') },
  { name: 'renew', summary: 'renew certificates now', load: () => import('./commands/renew.ts') },
  { name: 'state', summary: 'look at and repair what is recorded', load: () => import('./commands/state.ts') },
  {
    name: 'serve',
    summary: 'keep what git repositories declare true, and answer the REST API',
    load: () => import('./commands/serve.ts'),
  },
  { name: 'key', summary: 'make, list and revoke API keys of the service', load: () => import('./commands/key.ts') },
  { name: 'audit', summary: 'who did what, and whether that log is whole', load: () => import('./commands/audit.ts') },
  {
    name: 'pr',
    summary: 'keep the plan as a comment of a pull request, from CI',
    load: () => import('./commands/pr.ts'),
  },
  { name: 'schema', summary: 'print JSON Schema for editors', load: () => import('./commands/schema.ts') },
]
