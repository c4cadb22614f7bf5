import { bundledSchema, documentSchemas } from '../../../schemas/generated/validators/schemas.js'
import { EngineError, visible } from '../../index.ts'
import type { Define } from '../context.ts'
import { exit } from '../io.ts'

export const define: Define = (command, action) => {
  command.argument('[kind]', 'one kind, or DnsProvider:TYPE; all of them in one schema when absent').action(
    action(async ({ io }, kind: string | undefined) => {
      io.stdout.write(`${JSON.stringify(schemaOf(kind), null, 2)}\n`)
      return exit.done
    }),
  )
}

function schemaOf(kind: string | undefined) {
  if (kind === undefined) return bundledSchema
  const schema = Object.hasOwn(documentSchemas, kind) ? documentSchemas[kind] : undefined
  if (schema) return schema
  const known = Object.keys(documentSchemas)
  const meant = known.find(each => each.toLowerCase() === kind.toLowerCase())
  throw new EngineError('kind_unknown', `there is no kind "${visible(kind)}"`, {
    remedy: meant ? `did you mean "${meant}"?` : `use one of ${known.join(', ')}`,
  })
}
