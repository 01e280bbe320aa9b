type Flush = () => void

const atWork = new Set<Flush>()
const heard = new Set<string>()

/**
 * Calls `flush` where the process ends without the runner's last hook: in Vitest on Ctrl-C and where a worker thread is
 * out of memory.
 * @param signals whether signals end the process without an exit event, as in Jest
 */
export function beforeExit(flush: Flush, signals: boolean): void {
  atWork.add(flush)
  once('exit', flushAll)
  if (!signals) return
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    once(signal, () => {
      flushAll()
      // Passed on, so that the process ends as it would have.
      process.kill(process.pid, signal)
    })
  }
}

export function endedWell(flush: Flush): void {
  atWork.delete(flush)
}

/** Watch mode begins many runs. */
function once(event: string, listener: () => void): void {
  if (heard.has(event)) return
  heard.add(event)
  process.once(event, listener)
}

function flushAll(): void {
  for (const flush of atWork) flush()
}
