/** @param code the exit code with which the process ends; undefined for a signal */
type Flush = (code?: number) => void

/** Of this process, which has one set of listeners: the runs that have not ended, and the events listened to. */
const pending = new Set<Flush>()
const listenedTo = new Set<string>()

/**
 * Calls `flush` if the process ends without the runner's last hook: in Vitest on Ctrl-C, and if a worker thread is out of
 * memory.
 * @param signals those that end the process without an exit event
 */
export function beforeExit(flush: Flush, signals: readonly NodeJS.Signals[]): void {
  pending.add(flush)
  once('exit', (code: number) => flushAll(code))
  for (const signal of signals) {
    once(signal, () => {
      flushAll()
      // Send it again, so that the process ends as it would have without this listener.
      process.kill(process.pid, signal)
    })
  }
}

export function endedWell(flush: Flush): void {
  pending.delete(flush)
}

/** Watch mode begins many runs: listen once. */
function once(event: string, listener: (code: number) => void): void {
  if (listenedTo.has(event)) return
  listenedTo.add(event)
  process.once(event, listener)
}

function flushAll(code?: number): void {
  for (const flush of pending) flush(code)
}
