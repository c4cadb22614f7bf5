import type { Address } from '../../engine/index.ts'
import type { ConfiguredProvider } from '../ports.ts'
import { addressIn } from './inputs.ts'
import type { Parts } from './parts.ts'
import { toldTo } from './told.ts'
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
    // Deleted before it is replaced: one operation of the engine does both.
    if (program.isAwaited(urn) && addressIn(kind, now) === address) return program.replace(urn, id)
    // Renamed in the program alone: the same object goes on under another URN.
    const holder = program.holderOf(address)
    if (holder !== undefined && holder !== urn) return
    if (program.createdId(urn) === id) {
      context.tell('warning', wasNotReplaced(address))
      return
    }
    if (owner !== engine.owner) {
      context.tell('warning', `${address} stays, because ${owner} owns it: this stack only looked at it`)
      return
    }
    const allow = [oldInputs, outputs, now].some(each => isTrue(each.allowDestroy))
    const question = { address, allow, signal: context.signal }
    try {
      await engine.apply(question, toldTo(context, address))
    } catch (error) {
      throw errorInWords(error, inWordsOfDeletion)
    }
  }
}

/**
 * `--replace` and `taint` create it and then delete what it was, without ever having asked for a comparison; to its
 * creation this looks like a run that died before Pulumi took note of it, which must not issue twice.
 */
function wasNotReplaced(address: Address): string {
  return (
    `${address} was not replaced, and stays as it is: nothing told the replacement from a run that is gone on with` +
    '\n  remedy: to make it anew, set deleteBeforeReplace on it for that run'
  )
}
