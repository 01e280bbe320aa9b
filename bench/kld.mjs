// Two base files of llama.cpp compared, beside a straightforward NumPy reading of the same files (the variable PYTHON, else
// python3), in turn: rows a second of processor time, and peak memory.
// Usage: npm run bench -- kld [--folder FOLDER] [--vocab 32000] [--rows 20000] [--runs 5] [--seed 1]
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { compareDumps, loadDump } from '../dist/esm/index.js'
import { LanguageModel, PRECISIONS } from './language-model.mjs'
import { peakMemory } from './peak-memory.mjs'

const script = new URL('./kld.py', import.meta.url).pathname
const self = new URL(import.meta.url).pathname
/** Rows that differ: they repeat, which changes nothing, because each is read and computed again. */
const DISTINCT = 32
/** Of each chunk the second half of its positions has rows. */
const CONTEXT = 512
const ROWS = CONTEXT - 1 - CONTEXT / 2

if (process.argv[2] === 'compare') compare(process.argv[3], process.argv[4])
else main()

function compare(golden, dump) {
  const [cpu, started] = [process.cpuUsage(), performance.now()]
  const { counts, tokens } = compareDumps(loadDump(dump), loadDump(golden), { dtype: 'fp16' })
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const meanKl = tokens.reduce((sum, { metrics }) => sum + metrics.klDivergence, 0) / counts.total
  console.log(JSON.stringify({ rows: counts.total, seconds, cpu: (user + system) / 1e6, meanKl, mb: peakMemory() }))
}

function main() {
  const { values } = parseArgs({
    options: {
      folder: { type: 'string', default: tmpdir() },
      vocab: { type: 'string', default: '32000' },
      rows: { type: 'string', default: '20000' },
      runs: { type: 'string', default: '5' },
      seed: { type: 'string', default: '1' },
    },
  })
  const [vocab, rows, runs, seed] = ['vocab', 'rows', 'runs', 'seed'].map((name) => Number(values[name]))
  const python = process.env.PYTHON ?? 'python3'
  const version = versionOf(python)
  const folder = mkdtempSync(join(values.folder, 'golden-logits-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true }))
  const model = new LanguageModel(seed, vocab)
  const files = ['golden', 'dump'].map((side) => writeFile(join(folder, `${side}.kld`), model, side, vocab, rows))
  const gb = (statSync(files[0]).size / 1e9).toFixed(2)
  console.log(`${cpus().length} x ${cpus()[0].model}, Node ${process.version}, ${version ?? 'no Python'}`)
  console.log(
    `about ${rows} rows of ${vocab} codes of 16 bits, ${gb} GB a file, ${runs} runs in turn, page cache warm\n`,
  )
  const results = { 'golden-logits': [], ...(version && { NumPy: [] }) }
  // The first round fills the page cache.
  for (let run = -1; run < runs; run++) {
    const round = {
      'golden-logits': execFileSync(process.execPath, [self, 'compare', ...files]),
      ...(version && { NumPy: execFileSync(python, [script, ...files]) }),
    }
    if (run >= 0) for (const [name, output] of Object.entries(round)) results[name].push(JSON.parse(output))
  }
  console.log('| | rows a second of processor time | rows a second | peak memory | mean KL |\n|---|---|---|---|---|')
  for (const [name, found] of Object.entries(results)) {
    const per = (key) => spread(found.map((result) => result.rows / result[key]))
    const { mb, meanKl } = found[0]
    console.log(`| ${name} | ${per('cpu')} | ${per('seconds')} | ${Math.round(mb)} MB | ${meanKl.toPrecision(9)} |`)
  }
}

function spread(values) {
  const sorted = values.toSorted((a, b) => a - b).map(Math.round)
  return `${sorted[sorted.length >> 1]} (${sorted[0]} to ${sorted.at(-1)})`
}

function versionOf(python) {
  try {
    return execFileSync(python, [script, 'version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return undefined
  }
}

/** As llama-perplexity writes it: a header, the tokens, then for each row its scale, its lowest value, and its codes. */
function writeFile(path, model, side, vocab, rows) {
  const chunks = Math.ceil(rows / ROWS)
  const coded = Array.from({ length: DISTINCT }, (_, step) => codesOf(model, side, step, vocab))
  const file = openSync(path, 'w')
  const head = Buffer.alloc(20 + 4 * CONTEXT * chunks)
  head.write('_logits_')
  for (const [i, value] of [CONTEXT, vocab, chunks].entries()) head.writeInt32LE(value, 8 + 4 * i)
  writeSync(file, head)
  for (let row = 0; row < chunks * ROWS; row++) writeSync(file, coded[row % DISTINCT])
  closeSync(file)
  return path
}

function codesOf(model, side, step, vocab) {
  const precision = side === 'golden' ? 'float32' : 'fp16'
  const logits = Float64Array.from(PRECISIONS[precision].row(model.logits(model.hidden(step), precision)))
  const top = logits.reduce((a, b) => Math.max(a, b))
  const mass = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0)) + top
  const lowest =
    Math.max(
      top - 16,
      logits.reduce((a, b) => Math.min(a, b)),
    ) - mass
  const scale = (top - mass - lowest) / 65535
  const bytes = Buffer.alloc(2 * (2 * Math.ceil(vocab / 2) + 4))
  bytes.writeFloatLE(scale, 0)
  bytes.writeFloatLE(lowest, 4)
  for (const [i, logit] of logits.entries())
    bytes.writeUInt16LE(Math.max(0, Math.round((logit - mass - lowest) / scale)), 8 + 2 * i)
  return bytes
}
