import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface Measured {
  readonly seconds: number
  readonly peakRssMiB: number
  readonly stdout: string
}

export interface Command {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a process to its end; fails unless it exits with 0, because a failed run measures nothing. */
export function measure({ command, args, cwd, env }: Command): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const start = performance.now()
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    let peakKiB = 0
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    // The kernel keeps the high-water mark, so the last look before the end is near enough.
    const look = setInterval(() => {
      peakKiB = Math.max(peakKiB, highWaterMark(child.pid))
    }, 10)
    child.on('error', reject)
    child.on('close', code => {
      clearInterval(look)
      const seconds = (performance.now() - start) / 1000
      if (code === 0) resolve({ seconds, peakRssMiB: Math.round(peakKiB / 1024), stdout })
      else reject(new Error(`${command} ${args.join(' ')} exited with ${code}: ${stderr.slice(-2000)}`))
    })
  })
}

function highWaterMark(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0 // it has just ended
  }
}

/** Runs two commands in turn after one warm-up each, so that a machine whose speed drifts slows both sides alike. */
export async function sideBySide(ours: Command, theirs: Command, rounds: number) {
  await measure(ours)
  await measure(theirs)
  const pairs: { readonly ours: Measured; readonly theirs: Measured }[] = []
  for (let round = 0; round < rounds; round++) pairs.push({ ours: await measure(ours), theirs: await measure(theirs) })
  return {
    ours: median(pairs.map(pair => pair.ours.seconds)),
    theirs: median(pairs.map(pair => pair.theirs.seconds)),
    ratio: median(pairs.map(pair => pair.ours.seconds / pair.theirs.seconds)),
    ourPeakRssMiB: median(pairs.map(pair => pair.ours.peakRssMiB)),
    theirPeakRssMiB: median(pairs.map(pair => pair.theirs.peakRssMiB)),
  }
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}

export const rounded = (value: number, digits = 2): number => Number(value.toFixed(digits))
