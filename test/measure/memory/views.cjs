// Compares 1,000 steps a side that are views of one buffer a side, and prints as JSON what it took: the increase of the
// memory of array buffers and of the resident memory in MB, after logitsOf and at the peak of the comparison.
// Argument: the folder of the built package.
const { writeSync } = require('node:fs')
const { join } = require('node:path')

const [STEPS, VOCABULARY] = [1000, 32_000]
const { compareDumps, logitsOf } = require(join(process.argv[2], 'cjs/index.js'))

/** Every page is written, so that reading it takes no more memory. */
function viewsOf(seed) {
  const buffer = new ArrayBuffer(4 * STEPS * VOCABULARY)
  const all = new Float32Array(buffer)
  for (let i = 0; i < all.length; i++) all[i] = ((i * 7919 + seed) % 1009) / 64
  return Array.from({ length: STEPS }, (_, step) => new Float32Array(buffer, 4 * step * VOCABULARY, VOCABULARY))
}

// Loads and compiles what any comparison needs.
const warmUp = [logitsOf(viewsOf(1).slice(0, 20)), logitsOf(viewsOf(2).slice(0, 20))]
compareDumps(...warmUp)
const [golden, dump] = [viewsOf(1), viewsOf(1)]
dump[500][7] += 40
global.gc()

const megabytes = () => {
  const { rss, arrayBuffers } = process.memoryUsage()
  return { rss: rss / 2 ** 20, arrayBuffers: arrayBuffers / 2 ** 20 }
}
const before = megabytes()
const peakBefore = process.resourceUsage().maxRSS / 1024
const sides = [logitsOf(dump), logitsOf(golden)]
const made = megabytes()
const { counts, firstFailure } = compareDumps(...sides, { dtype: 'fp32' })
const compared = megabytes()
const increase = (now) => ({ rss: now.rss - before.rss, arrayBuffers: now.arrayBuffers - before.arrayBuffers })
writeSync(
  1,
  JSON.stringify({
    held: (2 * 4 * STEPS * VOCABULARY) / 2 ** 20,
    made: increase(made),
    compared: increase(compared),
    peak: process.resourceUsage().maxRSS / 1024 - peakBefore,
    counts,
    firstFailure: firstFailure.step,
  }),
)
