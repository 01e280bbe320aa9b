// Loads two dumps and prints as JSON the increase of peak memory in MB and the number of steps of each dump.
// Arguments: the folder of the built package, the paths of the dumps.
const { writeSync } = require('node:fs')
const { join } = require('node:path')

const [dist, ...paths] = process.argv.slice(2)
const { loadDump } = require(join(dist, 'cjs/index.js'))
const peak = () => process.resourceUsage().maxRSS / 1024
const before = peak()
const dumps = paths.map((path) => loadDump(path))
const raised = peak() - before
writeSync(1, JSON.stringify({ raised, steps: dumps.map(({ steps }) => steps.length) }))
