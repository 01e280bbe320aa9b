const { existsSync, readFileSync } = require('node:fs')

/** The peak memory of this process, in MB. What `resourceUsage` says counts the process that started it, too. */
exports.ownPeak = () => {
  const status = '/proc/self/status'
  if (!existsSync(status)) return process.resourceUsage().maxRSS / 1024
  return Number(/VmHWM:\s*(\d+)/.exec(readFileSync(status, 'utf8'))[1]) / 1024
}
