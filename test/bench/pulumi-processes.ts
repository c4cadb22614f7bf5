import { readdirSync, readFileSync } from 'node:fs'

/** What the plugin's processes of one run took, as far as it was seen. */
export interface PluginUsage {
  readonly processes: number
  /** User and system time of all of them. */
  readonly cpuSeconds: number
  /** High-water mark of the largest. */
  readonly peakRssMiB: number
}

/**
 * Looks every 20 ms at the plugin's processes below another one, however deep: hosts of languages start plugins too.
 * What a process does after the last look, at most those 20 ms, is not seen.
 */
export function watchPlugins(pid: number): { stop(): PluginUsage } {
  const seen = new Map<number, { readonly ticks: number; readonly peakKiB: number }>()
  const look = () => {
    for (const each of descendants(pid)) {
      // One that ended since it was found keeps what was seen last.
      const usage = seen.has(each) || isPlugin(each) ? usageOf(each) : undefined
      if (usage) seen.set(each, usage)
    }
  }
  const timer = setInterval(look, 20)
  return {
    stop() {
      clearInterval(timer)
      const usages = [...seen.values()]
      return {
        processes: usages.length,
        // proc(5): USER_HZ, which is 100 on Linux.
        cpuSeconds: usages.reduce((sum, { ticks }) => sum + ticks, 0) / 100,
        peakRssMiB: Math.max(0, ...usages.map(({ peakKiB }) => peakKiB)) / 1024,
      }
    },
  }
}

function descendants(pid: number): number[] {
  const children = tasks(pid).flatMap(task =>
    (read(`/proc/${pid}/task/${task}/children`) ?? '').split(' ').filter(Boolean).map(Number),
  )
  return [...children, ...children.flatMap(descendants)]
}

/** A program in Go starts others from any of its threads. */
function tasks(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return [] // it has just ended
  }
}

const isPlugin = (pid: number): boolean => read(`/proc/${pid}/cmdline`)?.includes('/pulumi-resource-') ?? false

function usageOf(pid: number): { readonly ticks: number; readonly peakKiB: number } | undefined {
  // proc(5): after the name, field 3 comes first; 14 and 15 are user and system time.
  const fields = read(`/proc/${pid}/stat`)
    ?.replace(/^.*\) /s, '')
    .split(' ')
  const [, peak] = /VmHWM:\s+(\d+)/.exec(read(`/proc/${pid}/status`) ?? '') ?? []
  if (!fields || peak === undefined) return undefined
  return { ticks: Number(fields[11]) + Number(fields[12]), peakKiB: Number(peak) }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined // it has just ended
  }
}
