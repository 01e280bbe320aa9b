// Runs one variant of bench/comparisons.mjs. Prints the time in µs (per token, or in total) and the peak memory of the process
// in MB as JSON. Usage: node bench/variant.mjs '{"variant": "floor" …}'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { repeated } from './dumps.mjs'
import { peakMemory } from './peak-memory.mjs'

const { variant, golden, dump, tokens, threads = 1, warm = 0, file, build } = JSON.parse(process.argv[2])
const dist = build ?? join(import.meta.dirname, '../dist')
const { compareDumps, loadDump, readTensors } = await import(pathToFileURL(join(dist, 'esm/index.js')).href)

const VARIANTS = { floor, compare, whole, gate, row }

await VARIANTS[variant]()

function report(us, more = {}) {
  console.log(JSON.stringify({ us, ...more, peak: peakMemory() }))
}

/** Reads the same files and nothing else: open, stat, one read into the same buffer, close. */
function floor() {
  const files = [golden, dump].flatMap((path) => repeated(loadDump(path), tokens).steps.flatMap((step) => step.files))
  // WebAssembly memory is page-aligned: some processors copy much more slowly to other addresses.
  const buffer = new Uint8Array(new WebAssembly.Memory({ initial: 32 }).buffer)
  const started = performance.now()
  for (const path of files) {
    const descriptor = openSync(path, 'r')
    readSync(descriptor, buffer, 0, fstatSync(descriptor).size, 0)
    closeSync(descriptor)
  }
  report(((performance.now() - started) * 1000) / tokens)
}

/**
 * Compares all tokens: at once, or after the same comparison over `warm` tokens, when the workers are running and V8 has
 * compiled the code.
 */
function compare() {
  report(timeOf([dump, golden].map((path) => repeated(loadDump(path), tokens))))
}

/** The same for dumps that really have this number of tokens, with the time to load them. */
function whole() {
  const started = performance.now()
  const sides = [dump, golden].map((path) => loadDump(path))
  const loading = ((performance.now() - started) * 1000) / tokens
  report(timeOf(sides), { loading })
}

/** The matcher over dumps that really have this number of tokens: it makes no list of tokens. */
async function gate() {
  const { toMatchGoldenLogits } = await import(pathToFileURL(join(dist, 'esm/matchers.js')).href)
  const once = () => toMatchGoldenLogits.call({ isNot: false }, loadDump(dump), loadDump(golden), { threads })
  for (let done = 0; done < warm; done += tokens) once()
  const started = performance.now()
  const { pass, message } = once()
  const us = ((performance.now() - started) * 1000) / tokens
  report(us, { pass, length: message().length })
}

function timeOf(sides) {
  const once = () => {
    const { counts } = compareDumps(...sides, { threads })
    if (counts.compared !== tokens) throw new Error(`compared ${counts.compared} of ${tokens}`)
  }
  for (let done = 0; done < warm; done += tokens) once()
  const started = performance.now()
  once()
  return ((performance.now() - started) * 1000) / tokens
}

/** Reads the last row of a tensor with many rows: as the first thing in the process, or when the code is compiled. */
function row() {
  let started = 0
  for (let turn = 0; turn <= warm; turn++) {
    started = performance.now()
    const [logits] = readTensors(file)
    const width = logits.shape.at(-1)
    const raw = new Uint8Array(2 * width)
    logits.readRaw(logits.length - width, width, raw)
  }
  report((performance.now() - started) * 1000)
}
