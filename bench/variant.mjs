// One variant of the benchmark, in a process of its own: prints the time (µs; of a token, or of the whole) and the peak
// memory of the process (MB) as JSON. Usage: node bench/variant.mjs '{"variant": "floor" …}'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { compareDumps, loadDump, readTensors } from '../dist/esm/index.js'
import { repeated } from './dumps.mjs'
import { peakMemory } from './peak-memory.mjs'

const { variant, golden, dump, tokens, threads = 1, warm = 0, file } = JSON.parse(process.argv[2])

const VARIANTS = { floor, compare, whole, row }

VARIANTS[variant]()

function report(us, more = {}) {
  console.log(JSON.stringify({ us, ...more, peak: peakMemory() }))
}

/** The least that reading the same files takes: open, stat, one read into the same buffer, close. */
function floor() {
  const files = [golden, dump].flatMap((path) => repeated(loadDump(path), tokens).steps.flatMap((step) => step.files))
  // At the front of a page: where memory begins elsewhere in one, some processors copy at a fraction of the speed.
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
 * All tokens: at once, or once the same comparison has been made over `warm` tokens, when the workers are there and V8 has
 * compiled what it runs.
 */
function compare() {
  report(timeOf([dump, golden].map((path) => repeated(loadDump(path), tokens))))
}

/** The same of dumps that hold so many tokens, with how long it takes to load them. */
function whole() {
  const started = performance.now()
  const sides = [dump, golden].map((path) => loadDump(path))
  const loading = ((performance.now() - started) * 1000) / tokens
  report(timeOf(sides), { loading })
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

/** The last row of a tensor of many: the first thing that the process does, or once its code is compiled. */
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
