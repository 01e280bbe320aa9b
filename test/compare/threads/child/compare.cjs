// Compares mixed dumps on one thread and on several, over and over until the workers have left so many marks, and writes
// as JSON what it found. Arguments: the package, a work folder, the options of the test.
const { isDeepStrictEqual } = require('node:util')
const { existsSync, readFileSync } = require('node:fs')
const { join } = require('node:path')
const workers = require('node:worker_threads')
const { pathToFileURL } = require('node:url')
const { mixedDumps } = require('./dumps.cjs')
const { slowDown } = require('./slow.cjs')

const [root, folder, json] = process.argv.slice(2)
const {
  half = 'cjs',
  threads,
  marks = 1,
  steps = 300,
  heap,
  options = {},
  kinds,
  rounds = 10,
  exitIn,
} = JSON.parse(json)

if (heap) {
  const { Worker } = workers
  workers.Worker = class extends Worker {
    constructor(file, settings) {
      super(file, { ...settings, resourceLimits: { maxOldGenerationSizeMb: heap } })
    }
  }
}

async function main() {
  const entry = join(root, 'dist', half, 'index.js')
  const { compareDumps } = half === 'esm' ? await import(pathToFileURL(entry)) : require(entry)
  const { golden, dump } = mixedDumps(join(folder, 'dumps'), steps, kinds)
  const expected = compareDumps(dump, golden, { ...options, threads: 1 })
  slowDown(1)
  const found = { same: 0, different: 0, marks: 0, counts: expected.counts, notes: expected.notes }
  for (let round = 0; round < rounds && found.marks < marks; round++) {
    const comparison = compareDumps(dump, golden, { ...options, threads })
    const same = isDeepStrictEqual(comparison, expected) && JSON.stringify(comparison) === JSON.stringify(expected)
    found[same ? 'same' : 'different']++
    found.marks = marksIn(join(folder, 'marks'))
  }
  // Once more with whatever is left of the workers.
  found.after = isDeepStrictEqual(compareDumps(dump, golden, { ...options, threads }), expected)
  process.stdout.write(JSON.stringify(found))
  if (exitIn !== undefined) process.exit(exitIn)
}

function marksIn(file) {
  return existsSync(file) ? new Set(readFileSync(file, 'utf8').trim().split('\n')).size : 0
}

main()
