// Compares two dumps of so many steps, which are made when they are asked for, and writes as JSON by how many MB that raised
// the peak memory of this process, the workers started, and a digest of all tokens. Arguments: the bundle of `listed.ts`, a
// folder for the dumps, and the settings of the test.
const { createHash } = require('node:crypto')
const { mkdirSync, writeFileSync, writeSync } = require('node:fs')
const { join } = require('node:path')
const workers = require('node:worker_threads')
const { ownPeak } = require('./own-peak.cjs')

const [bundle, folder, json] = process.argv.slice(2)
const { tokens, threads, width = 16, lacks = 0, matcher = false } = JSON.parse(json)
let started = 0
workers.Worker = class extends workers.Worker {
  constructor(...args) {
    super(...args)
    started++
  }
}
const { compareListed, listOf, toMatchGoldenLogits } = require(bundle)

/** An ATB `.bin` file of float32. */
function bin(logit) {
  const bytes = 4 * width
  const header = `$Version=1.0\n$Object.Count=1\n$Object.Length=${bytes}\nformat=2\ndtype=0\ndims=1,${width}\n$Object.data=0,${bytes}\n$End=1\n`
  return Buffer.concat([
    Buffer.from(header),
    Buffer.from(Float32Array.from({ length: width }, (_, i) => logit(i)).buffer),
  ])
}

/** A side whose step repeats one of three files, or where every so many lack theirs, names one that is not there. */
function side(name, noise, lacksEvery) {
  mkdirSync(folder, { recursive: true })
  const files = [0, 1, 2].map((n) => join(folder, `${name}-${width}-${n}.bin`))
  for (const [n, file] of files.entries())
    writeFileSync(
      file,
      bin((i) => Math.sin(i * (n + 1)) + noise * Math.cos(7 * i)),
    )
  const stepAt = (step) => {
    const file = files[step % 3]
    return { step, files: [lacksEvery > 0 && step % lacksEvery === 0 ? `${file}-${step}` : file], layer: '67_LmHead' }
  }
  const facts = { path: name, layout: 'atb', named: 'folder', notes: [], ignored: [], stepsAssumed: false, budgets: {} }
  return { ...facts, steps: listOf(tokens, stepAt) }
}

const golden = side('golden', 0, 0)
const dump = side('dump', 0.01, lacks)
const before = ownPeak()
const options = { threads, dtype: 'bf16', decoding: 'forced' }
if (matcher) {
  const { pass, message } = toMatchGoldenLogits.call({ isNot: false }, dump, golden, options)
  const length = message().length
  writeSync(1, JSON.stringify({ pass, length, started, raised: ownPeak() - before }))
} else {
  const comparison = compareListed(dump, golden, options)
  const found = { counts: comparison.counts, started, raised: ownPeak() - before }
  const digest = createHash('sha256')
  for (const token of comparison.tokens) digest.update(JSON.stringify(token))
  writeSync(1, JSON.stringify({ ...found, digest: digest.digest('hex') }))
}
