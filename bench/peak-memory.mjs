import { existsSync, readFileSync } from 'node:fs'

/** The peak memory of this process in MB. Linux counts that of the process it was started by as well, but for one figure. */
export function peakMemory() {
  const status = '/proc/self/status'
  const own = existsSync(status) && /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8'))
  return (own ? Number(own[1]) : process.resourceUsage().maxRSS) / 1024
}
