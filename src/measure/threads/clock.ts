/** Milliseconds since the process started. A runner that fakes timers stops `performance.now`, but not this. */
export function now(): number {
  return process.uptime() * 1000
}
