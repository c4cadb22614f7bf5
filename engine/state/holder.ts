import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import type { LeaseHolder } from './store.ts'

/** This process as the holder of a lease, doing `operation` (`apply`, `destroy`…). */
export function currentHolder(operation: string): LeaseHolder {
  return { host: hostname(), pid: process.pid, startedAt: ownStart(), operation }
}

/**
 * Whether a holder cannot be alive any more. Only a process of this very kernel and process namespace can be judged;
 * about any other the answer is no, and its lease is waited out.
 */
export function presumedDead(holder: LeaseHolder): boolean {
  if (holder.host !== hostname()) return false
  const own = ownStart()
  if (own === '' || scopeOf(own) !== scopeOf(holder.startedAt)) return false
  return startOf(holder.pid) !== holder.startedAt
}

/** `linux:<boot>:<pid namespace>:<clock ticks since boot>`, or '' where the kernel does not tell. */
function startOf(pid: number): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    // Containers of one host share its boot and often its name, but not their process numbers.
    const namespace = readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // proc_pid_stat(5): the second field is in parentheses and may hold anything; the start time is the 22nd.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [state, ticks] = [fields[3 - 3], fields[22 - 3]]
    // A zombie only waits for its parent to notice.
    if (state === 'Z' || state === 'X') return ''
    return `linux:${boot}:${namespace}:${ticks}`
  } catch {
    return ''
  }
}

function ownStart(): string {
  return startOf(process.pid)
}

function scopeOf(startedAt: string): string {
  return startedAt.slice(0, startedAt.lastIndexOf(':'))
}
