import { EngineError } from '../../engine/index.ts'
import type { Told } from '../backend/backend.ts'
import type { ConfiguredProvider } from '../ports.ts'
import type { Parts } from './parts.ts'
import { isTrue } from './values.ts'
import { errorInWords, inWordsOfDeletion } from './words.ts'

/** Deletes the object of that id and nothing else: one that was replaced is gone already. */
export function createDelete({ program, backend }: Parts): ConfiguredProvider['delete'] {
  return async ({ urn }, { id, oldInputs, outputs }, context) => {
    program.begin()
    const engine = await backend(urn)
    const found = await engine.look({ id }, { outside: false })
    if (!found) return
    const { address } = found.resource
    // Renamed in the program alone: the same object goes on under another URN.
    const holder = program.holderOf(address)
    if (holder !== undefined && holder !== urn) return
    const question = { address, allow: isTrue(oldInputs.allowDestroy ?? outputs.allowDestroy), signal: context.signal }
    const told: Told = {
      waiting: message => context.tell('info', message),
      leftOpen: error =>
        context.tell(
          'warning',
          `${address}: ${error instanceof EngineError ? error.message : 'something outside could not be removed'}`,
        ),
    }
    try {
      await engine.apply(question, told)
    } catch (error) {
      throw errorInWords(error, inWordsOfDeletion)
    }
  }
}
