import { visible } from '../../index.ts'
import type { Output } from '../io.ts'
import { endLine, type Paint, type Progress } from './progress.ts'

/** A line for each thing that ends or says what it does: for logs and pipes. */
export function plainProgress(output: Output, paint: Paint): Progress {
  return {
    event(event) {
      const line =
        event.type === 'progress'
          ? `${paint.dim('…')} ${event.address}: ${visible(event.message)}`
          : endLine(event, paint)
      if (line !== undefined) output.write(`${line}\n`)
    },
    end: () => {},
  }
}
