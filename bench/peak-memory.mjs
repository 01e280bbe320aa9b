import { existsSync, readFileSync } from 'node:fs'

/** The peak memory of this process in MB. On Linux `maxRSS` includes the parent process, `VmHWM` does not. */
export function peakMemory() {
  const status = '/proc/self/status'
  const peak = existsSync(status) && /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8'))
  return (peak ? Number(peak[1]) : process.resourceUsage().maxRSS) / 1024
}
