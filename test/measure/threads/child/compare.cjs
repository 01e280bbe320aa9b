// Compares mixed dumps on one thread and on several, over and over until the workers have left so many marks, and writes
// as JSON what it found. Arguments: the folder of the package, the options of the test.
const { isDeepStrictEqual } = require('node:util')
const { existsSync, readFileSync, writeSync } = require('node:fs')
const { join } = require('node:path')
const workers = require('node:worker_threads')
const { pathToFileURL } = require('node:url')
const { mixedDumps } = require('./dumps.cjs')
const { failToClose, slowDown, stopClocks } = require('./patches.cjs')

const [root, json] = process.argv.slice(2)
const settings = JSON.parse(json)
const { half = 'cjs', options = {}, threads, kinds, steps = 150, marks = 1, rounds = 10 } = settings

async function main() {
  const entry = join(root, 'dist', half, 'index.js')
  const { compareDumps } = half === 'esm' ? await import(pathToFileURL(entry)) : require(entry)
  const { golden, dump } = mixedDumps(join(root, 'dumps'), steps, kinds, settings.rows)
  // Other pairs under the same numbers: what a worker still has to say of the pairs before must not be taken for theirs.
  const next = mixedDumps(join(root, 'dumps'), steps, [['noisy', 'negative']])
  const nextExpected = compareDumps(next.dump, next.golden, { threads: 1 })
  if (settings.raises) failToClose()
  const run = (count) => {
    try {
      return compareDumps(dump, golden, { ...options, ...(count && { threads: count }) })
    } catch (error) {
      return { error: `${error.name}: ${error.message}`, counts: {} }
    }
  }
  const expected = run(1)
  if (settings.stopped) stopClocks()
  slowDown(1, () => {
    if (settings.exit !== undefined && marksLeft() >= marks) process.exit(settings.exit)
  })
  const found = { same: 0, different: 0, marks: 0, counts: expected.counts, error: expected.error }
  const isSame = (other) => isDeepStrictEqual(other, expected) && JSON.stringify(other) === JSON.stringify(expected)
  for (let round = 0; round < rounds && found.marks < marks; round++) {
    found[isSame(run(threads)) ? 'same' : 'different']++
    if (settings.raises && !isDeepStrictEqual(compareDumps(next.dump, next.golden, { threads }), nextExpected)) {
      found.different++
    }
    found.marks = marksLeft()
  }
  // Once more with whatever is left of the workers.
  found.after = isSame(run(threads))
  writeSync(1, JSON.stringify(found))
}

function marksLeft() {
  const file = join(root, 'marks')
  return existsSync(file) ? new Set(readFileSync(file, 'utf8').trim().split('\n')).size : 0
}

if (settings.heap) {
  const { Worker } = workers
  workers.Worker = class extends Worker {
    constructor(file, given) {
      super(file, { ...given, resourceLimits: { maxOldGenerationSizeMb: settings.heap } })
    }
  }
}

if (settings.nested && workers.isMainThread) {
  const worker = new workers.Worker(__filename, { argv: process.argv.slice(2) })
  worker.on('error', (error) => {
    throw error
  })
  if (settings.nested === 'terminate') {
    const watch = setInterval(() => {
      if (marksLeft() < marks) return
      clearInterval(watch)
      worker.terminate().then(() => writeSync(1, JSON.stringify({ marks: marksLeft() })))
    }, 10)
  }
} else main()
