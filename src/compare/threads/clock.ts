/** Milliseconds since the process started. Unlike `performance.now`, no runner's fake timers stop it. */
export function now(): number {
  return process.uptime() * 1000
}
