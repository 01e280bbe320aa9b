type Flush = () => void

/** Of this process, which has one set of listeners: the runs that have not ended, and the events listened to. */
const pending = new Set<Flush>()
const listenedTo = new Set<string>()

/**
 * Calls `flush` if the process ends without the runner's last hook: in Vitest on Ctrl-C, and if a worker thread is out of
 * memory.
 * @param signals whether signals end the process without an exit event, as in Jest
 */
export function beforeExit(flush: Flush, signals: boolean): void {
  pending.add(flush)
  once('exit', flushAll)
  if (!signals) return
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
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
function once(event: string, listener: () => void): void {
  if (listenedTo.has(event)) return
  listenedTo.add(event)
  process.once(event, listener)
}

function flushAll(): void {
  for (const flush of pending) flush()
}
