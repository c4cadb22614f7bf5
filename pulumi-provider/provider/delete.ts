import { EngineError } from '../../engine/index.ts'
import type { Told } from '../backend/backend.ts'
import type { ConfiguredProvider } from '../ports.ts'
import { addressIn } from './inputs.ts'
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
    const { kind, address, owner } = found.resource
    const now = program.inputsOf(urn) ?? {}
    // Deleting before replacing: what takes its place is made by one operation with it.
    if (program.replacedId(urn) === id && addressIn(kind, now) === address) return
    // Renamed in the program alone: the same object goes on under another URN.
    const holder = program.holderOf(address)
    if (holder !== undefined && holder !== urn) return
    if (owner !== engine.owner) {
      context.tell('warning', `${address} stays, because ${owner} owns it: this stack only looked at it`)
      return
    }
    const allow = [oldInputs, outputs, now].some(each => isTrue(each.allowDestroy))
    const question = { address, allow, signal: context.signal }
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
