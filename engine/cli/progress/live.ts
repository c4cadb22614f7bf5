import { type Address, visible } from '../../index.ts'
import type { Output } from '../io.ts'
import { duration, endLine, type Paint, type Progress } from './progress.ts'

/** Rows at the bottom that change; the rest of what runs is counted. */
const rows = 8
const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
/** Milliseconds between two pictures. */
const pace = 80

/** On a terminal: what ended scrolls by, what runs stands below with its last word and its time. */
export function liveProgress(output: Output, paint: Paint): Progress {
  const running = new Map<Address, { readonly since: number; doing: string }>()
  let ended = ''
  let drawn = 0
  let frame = 0
  const timer = setInterval(draw, pace)

  function draw(): void {
    const width = Math.max(20, output.columns ?? 80)
    const shown = [...running].slice(0, rows).map(([address, { since, doing }]) => {
      const spinner = frames[frame % frames.length] ?? ''
      const line = `${address}${doing === '' ? '' : `: ${visible(doing)}`} (${duration(performance.now() - since)})`
      return `${paint.yellow(spinner)} ${paint.dim(line.slice(0, width - 3))}`
    })
    if (running.size > rows) shown.push(paint.dim(`  and ${running.size - rows} more`))
    frame++
    // Up over the last picture, clear to the end of the screen (ECMA-48 CPL, ED).
    const up = drawn > 0 ? `\u001b[${drawn}F\u001b[J` : ''
    output.write(`${up}${ended}${shown.map(line => `${line}\n`).join('')}`)
    ended = ''
    drawn = shown.length
  }

  return {
    event(event) {
      if (event.type === 'started') running.set(event.address, { since: performance.now(), doing: '' })
      else if (event.type === 'progress') {
        const entry = running.get(event.address)
        if (entry) entry.doing = event.message
      } else {
        running.delete(event.address)
        const line = endLine(event, paint)
        if (line !== undefined) ended += `${line}\n`
      }
    },
    end() {
      clearInterval(timer)
      running.clear()
      draw()
    },
  }
}
