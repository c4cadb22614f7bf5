import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'

/** Runs work while no other process on this machine runs it under the same lock file. */
export async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + 45 * 60_000
  while (!take(file)) {
    if (holderIsDead(file)) rmSync(file, { force: true })
    else if (Date.now() > deadline) throw new Error(`another run still holds ${file}`)
    else await new Promise(resolve => setTimeout(resolve, 200))
  }
  try {
    return await work()
  } finally {
    rmSync(file, { force: true })
  }
}

function take(file: string): boolean {
  try {
    const descriptor = openSync(file, 'wx')
    writeSync(descriptor, String(process.pid))
    closeSync(descriptor)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

function holderIsDead(file: string): boolean {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    // Empty: the holder is between making the file and writing its number.
    if (pid > 0) process.kill(pid, 0)
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH'
  }
}
