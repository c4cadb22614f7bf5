/**
 * Calls back when the process that started this one is gone. A CLI that was killed tells nobody, and a plugin would
 * listen on for ever.
 */
export function onOrphaned(listener: () => void, parent: number = process.ppid): void {
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    listener()
  }, 1000)
  timer.unref()
}
