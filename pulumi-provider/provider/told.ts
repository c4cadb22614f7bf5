import { type Address, EngineError } from '../../engine/index.ts'
import type { Told } from '../backend/backend.ts'
import type { CallContext } from '../ports.ts'

/** What a person is told while a resource is applied. */
export function toldTo({ tell }: CallContext, address: Address): Told {
  return {
    waiting: message => tell('info', message),
    leftOpen(error) {
      const why = error instanceof EngineError ? error.message : 'an unexpected error'
      tell(
        'warning',
        `${address}: what is needed outside no more could not be removed: ${why}; the next run that is about it does it`,
      )
    },
  }
}
