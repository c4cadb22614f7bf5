import { type Address, visible } from '../../index.ts'
import type { Output } from '../io.ts'
import { endLine, type Paint, type Progress } from './progress.ts'

/** What an operation says of itself is worth a line when it still goes on after so many milliseconds. */
const patience = 1000

/** A line for each thing that ends, and for what takes its time: for logs and pipes. */
export function plainProgress(output: Output, paint: Paint): Progress {
  const waiting = new Map<Address, NodeJS.Timeout>()
  const forget = (address: Address) => {
    clearTimeout(waiting.get(address))
    waiting.delete(address)
  }
  return {
    event(event) {
      forget(event.address)
      if (event.type === 'progress') {
        const tell = () => void output.write(`${paint.dim('…')} ${event.address}: ${visible(event.message)}\n`)
        waiting.set(event.address, setTimeout(tell, patience))
        return
      }
      const line = endLine(event, paint)
      if (line !== undefined) output.write(`${line}\n`)
    },
    end() {
      for (const address of [...waiting.keys()]) forget(address)
    },
  }
}
