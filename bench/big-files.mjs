// One row, and all rows, of a large .npy and of a large .safetensors, beside NumPy's memory map and safetensors' own reader, if a
// Python has them (the variable PYTHON, else python3). Every measurement runs in a new process, page cache warm: time of the
// reading alone, bytes that the process read meanwhile (Linux), and its peak memory. At last the two files are compared.
// Usage: npm run bench -- big-files [--folder FOLDER] [--vocab 152064] [--rows 5000] [--runs 5]
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { compareDumps, loadDump, readTensors } from '../dist/esm/index.js'
import { peakMemory } from './peak-memory.mjs'

const script = new URL('./big_files.py', import.meta.url).pathname

/** @param read reads the tensor, and returns nothing */
function measured(read) {
  const before = bytesRead()
  const started = performance.now()
  read()
  const ms = performance.now() - started
  const after = bytesRead()
  console.log(JSON.stringify({ ms, bytes: before === undefined ? undefined : after - before, mb: peakMemory() }))
}

function bytesRead() {
  try {
    return Number(/^rchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))[1])
  } catch {
    return undefined
  }
}

function readRows(file, first, count) {
  const [tensor] = readTensors(file)
  const [, vocab] = tensor.shape
  const row = new Uint8Array(4 * vocab)
  for (let i = first; i < first + count; i++) tensor.readRaw(i * vocab, vocab, row)
}

function compareAll(golden, dump) {
  const load = (file) => loadDump(file, { positions: 'steps' })
  const { counts } = compareDumps(load(dump), load(golden), { dtype: 'bf16' })
  if (counts.compared !== counts.total) throw new Error(`compared ${counts.compared} of ${counts.total}`)
}

const READER = { npy: "np.load(mmap_mode='r')", safetensors: 'safetensors.safe_open' }

const CHILD = {
  row: (file, rows) => readRows(file, Math.floor(rows / 2), 1),
  all: (file, rows) => readRows(file, 0, rows),
  compare: (golden, _, dump) => compareAll(golden, dump),
}

if (process.argv[2] in CHILD) {
  const [what, file, rows, other] = process.argv.slice(2)
  measured(() => CHILD[what](file, Number(rows), other))
} else main()

function main() {
  const { values } = parseArgs({
    options: {
      folder: { type: 'string', default: tmpdir() },
      vocab: { type: 'string', default: '152064' },
      rows: { type: 'string', default: '5000' },
      runs: { type: 'string', default: '5' },
    },
  })
  const [vocab, rows, runs] = [values.vocab, values.rows, values.runs].map(Number)
  const python = process.env.PYTHON ?? 'python3'
  const folder = mkdtempSync(join(values.folder, 'golden-logits-bench-'))
  try {
    const files = writeFiles(folder, rows, vocab)
    const gb = (statSync(files.npy).size / 1e9).toFixed(2)
    console.log(`${cpus().length} x ${cpus()[0].model}, Node ${process.version}, ${versionOf(python) ?? 'no Python'}`)
    console.log(`${rows} rows of ${vocab} float32, ${gb} GB a file, medians of ${runs} runs, page cache warm\n`)
    print('what', 'time', 'bytes read', 'peak memory')
    for (const [format, file] of Object.entries(files)) {
      for (const what of ['row', 'all']) {
        const label = `${what === 'row' ? 'one row' : 'all rows'} of the .${format}`
        const self = new URL(import.meta.url).pathname
        report(label, runs, () => execFileSync(process.execPath, [self, what, file, rows]))
        if (versionOf(python))
          report(`  ${READER[format]}`, runs, () => execFileSync(python, [script, what, file, rows]))
      }
    }
    const self = new URL(import.meta.url).pathname
    report('both compared', 1, () =>
      execFileSync(process.execPath, [self, 'compare', files.npy, rows, files.safetensors]),
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function versionOf(python) {
  try {
    return execFileSync(python, [script, 'version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return undefined
  }
}

/** Runs once more than it counts, so that the file is in the page cache. */
function report(label, runs, run) {
  const results = Array.from({ length: runs + 1 }, () => JSON.parse(run())).slice(1)
  const median = (key) => results.map((result) => result[key]).sort((a, b) => a - b)[results.length >> 1]
  const bytes = median('bytes')
  const ms = median('ms')
  print(
    label,
    ms < 100 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(2)} s`,
    bytes === undefined ? 'mapped' : sized(bytes),
    `${Math.round(median('mb'))} MB`,
  )
}

function sized(bytes) {
  return bytes < 1e8 ? `${(bytes / 1e6).toFixed(2)} MB` : `${(bytes / 1e9).toFixed(2)} GB`
}

function print(what, ...others) {
  console.log(what.padEnd(32) + others.map((text) => text.padStart(14)).join(''))
}

/** Rows of logits that repeat after 16, with small differences between the two files. */
function writeFiles(folder, rows, vocab) {
  const npyHeader = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${vocab}), }`
  const padded = `${npyHeader.padEnd(117)}\n`
  const npy = Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), Buffer.from([118, 0]), Buffer.from(padded)])
  const entry = { logits: { dtype: 'F32', shape: [rows, vocab], data_offsets: [0, 4 * rows * vocab] } }
  const json = Buffer.from(JSON.stringify(entry))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.length))
  const files = { npy: join(folder, 'golden.npy'), safetensors: join(folder, 'dump.safetensors') }
  writeRows(files.npy, npy, rows, vocab, 0)
  writeRows(files.safetensors, Buffer.concat([length, json]), rows, vocab, 1e-3)
  return files
}

function writeRows(file, header, rows, vocab, noise) {
  const distinct = Array.from({ length: 16 }, (_, seed) => {
    const row = Float32Array.from(
      { length: vocab },
      (_, i) => 8 * Math.sin(i * (seed + 1.7)) + noise * Math.sin(i * 3.1),
    )
    return new Uint8Array(row.buffer)
  })
  const out = openSync(file, 'wx')
  try {
    writeSync(out, header)
    for (let i = 0; i < rows; i++) writeSync(out, distinct[i % distinct.length])
  } finally {
    closeSync(out)
  }
}
