import { type Change, isJsonObject } from '../../engine/index.ts'
import type { Backend } from '../backend/backend.ts'
import type { Program } from './program.ts'

/** Whether a certificate's role, before and after a change, belongs to the same authority. */
export async function keepsAuthority(engine: Backend, program: Program, { diffs }: Change): Promise<boolean> {
  const role = diffs.find(({ path }) => path === '/spec/role')
  if (!role) return true
  const [before, after] = await Promise.all([role.before, role.after].map(name => authorityOf(engine, program, name)))
  return before !== undefined && before === after
}

async function authorityOf(engine: Backend, program: Program, role: unknown): Promise<unknown> {
  const address = `Role/${String(role)}` as const
  const previewed = program.previewed.get(address)
  const { spec } = previewed ?? (await engine.look({ address }, { outside: false }))?.resource ?? {}
  // One whose authority is not known yet has another one, for all that can be said.
  return isJsonObject(spec) && !previewed?.unknown?.includes('/spec/ca') ? spec.ca : undefined
}
