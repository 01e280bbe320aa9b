// Stored snapshots: how often a compact one leaves a verdict undecided, and how large snapshots are.
// Usage: npm run bench -- snapshots [--rows 40] [--seed 1] [--vocab 151936] [--sizes 1000]
// --rows: rows per case and k; --sizes: tokens of the snapshots whose size is measured, 0 for none
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { LanguageModel, PRECISIONS } from './language-model.mjs'
import { modules } from './modules.mjs'

const {
  checkOptions,
  boundCompact,
  encodeRow,
  judge,
  summarise,
  dataPath,
  writeSnapshot,
  compareRows,
  createKernel,
  compareDumps,
  compareSnapshot,
  readSnapshot,
} = await modules(
  'compare/compare-dumps',
  'compare/judge',
  'compare/options',
  'snapshots/compact/bound',
  'snapshots/compact/code',
  'snapshots/compact/summarise',
  'snapshots/compare-snapshot',
  'snapshots/read-snapshot',
  'snapshots/types',
  'snapshots/write-snapshot',
  'metrics/compare-rows',
  'metrics/row-kernel',
)
const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '40' },
    seed: { type: 'string', default: '1' },
    vocab: { type: 'string', default: '151936' },
    sizes: { type: 'string', default: '1000' },
  },
})
const [rows, seed, vocab, sizes] = [values.rows, values.seed, values.vocab, values.sizes].map(Number)
const K = [32, 64, 128, 256, 512]

const model = new LanguageModel(seed, vocab)
console.log(
  `seed ${seed}, ${rows} pairs per case, vocabulary of ${vocab}; golden: the float32 model, rounded to bf16 or fp16\n`,
)

const limits = { bf16: 0.005, fp16: 0.0001 }
const cases = [
  ['bf16 weights and logits', 'bf16', 'bf16', limits.bf16],
  ['fp16 weights and logits', 'fp16', 'fp16', limits.fp16],
  ['int8 weights, one scale per row', 'int8', 'bf16', limits.bf16],
  ['int8 weights, limit 0.02', 'int8', 'bf16', 0.02],
  ['int4 weights, one scale per 32', 'int4', 'bf16', limits.bf16],
  ['int4 weights, limit 0.2', 'int4', 'bf16', 0.2],
]

const table = []
let outside = 0
for (const [name, weights, logits, klDivergence] of cases) {
  const results = K.map(() => ({ pass: 0, 'over-threshold': 0, undecided: 0, wrong: 0, bytes: 0, klOnly: 0 }))
  const measured = []
  for (let step = 0; step < rows; step++) {
    const hidden = model.hidden(step)
    const golden = PRECISIONS[logits].row(model.logits(hidden, 'float32'))
    const dump = PRECISIONS[logits].row(model.logits(hidden, weights))
    const { metrics } = compareRows(golden, dump, vocab)
    measured.push(metrics)
    const thresholds = { precision: logits, klDivergence, cosineSimilarity: 0.999 }
    const passes = metrics.klDivergence < klDivergence && metrics.cosineSimilarity > 0.999
    K.forEach((k, i) => {
      const compact = summarise(golden, k)
      const bounds = boundCompact(compact, dump)
      const verdict = verdictOf(bounds, thresholds)
      const result = results[i]
      result[verdict]++
      result.bytes += encodeRow(compact).length
      if (verdictOf(bounds, { ...thresholds, cosineSimilarity: -1 }) === 'undecided') result.klOnly++
      if ((verdict === 'pass' && !passes) || (verdict === 'over-threshold' && passes)) result.wrong++
      for (const metric of ['klDivergence', 'cosineSimilarity']) {
        if (!(bounds[metric].lo <= metrics[metric] && metrics[metric] <= bounds[metric].hi)) outside++
      }
    })
  }
  const kl = measured.map((m) => m.klDivergence).sort((a, b) => a - b)
  const cosine = measured.map((m) => 1 - m.cosineSimilarity).sort((a, b) => a - b)
  const over = measured.filter((m) => !(m.klDivergence < klDivergence && m.cosineSimilarity > 0.999)).length
  table.push(
    `${name}, KL limit ${klDivergence}: exact KL ${span(kl)}, 1 - cosine ${span(cosine)}, ${over} of ${rows} over`,
  )
  table.push('     k  bytes  base64    pass    over  undecided  (by KL alone)  wrong')
  K.forEach((k, i) => {
    const r = results[i]
    const bytes = Math.round(r.bytes / rows)
    const cells = [String(k).padStart(6), String(bytes).padStart(7), String(Math.ceil(bytes / 3) * 4).padStart(8)]
    cells.push(share(r.pass).padStart(8), share(r['over-threshold']).padStart(8), share(r.undecided).padStart(11))
    cells.push(share(r.klOnly).padStart(15), String(r.wrong).padStart(7))
    table.push(cells.join(''))
  })
  table.push('')
}
console.log(table.join('\n'))
console.log(`intervals that do not contain the exact value: ${outside}`)
measureRows()
if (sizes > 0) measureSizes()

function verdictOf(bounds, thresholds) {
  const rows = { kind: 'bounded', bounds, golden: {}, dump: {} }
  const outcome = { kind: 'bounded', golden: {}, dump: {}, notes: [], rows }
  return judge({ step: 0, outcome }, thresholds, {}).verdict
}

/**
 * Processor time of a row, in rounds of a plain comparison, the summary of a golden row, and the bounds of a dump's row. Other
 * processes do not disturb it as they disturb the time of day.
 */
function measureRows() {
  const kernel = createKernel()
  const golden = PRECISIONS.bf16.row(model.logits(model.hidden(0), 'float32'))
  const dump = PRECISIONS.bf16.row(model.logits(model.hidden(0), 'bf16'))
  const compact = summarise(golden, 256)
  const bytes = [golden, dump].map((row) => new Uint8Array(row.buffer, row.byteOffset, row.byteLength))
  const tasks = {
    plain: () => {
      const buffers = kernel.reserve(4 * vocab, 4 * vocab)
      buffers.golden.set(bytes[0])
      buffers.dump.set(bytes[1])
      kernel.compare('float32', 'float32', vocab)
    },
    summarise: () => encodeRow(summarise(golden, 256)),
    bound: () => boundCompact(compact, dump),
  }
  const times = { plain: [], summarise: [], bound: [] }
  for (let round = -5; round < 51; round++) {
    for (const [name, task] of Object.entries(tasks)) {
      const before = process.cpuUsage()
      task()
      const { user, system } = process.cpuUsage(before)
      if (round >= 0) times[name].push((user + system) / 1000)
    }
  }
  const median = (name) => times[name].sort((a, b) => a - b)[25]
  const rest = ['summarise', 'bound'].map((name) => {
    return `${name} ${median(name).toFixed(2)} ms (${(median(name) / median('plain')).toFixed(1)} plain rows)`
  })
  console.log(
    `\nprocessor time of a row, medians of 51 rounds: plain ${median('plain').toFixed(2)} ms, ${rest.join(', ')}`,
  )
}

/**
 * Sizes on disk of snapshots with `--sizes` tokens, and the processor time of a token. There are 16 different rows; each token is
 * stored separately. What is checked is another dump, with rounded weights.
 */
function measureSizes() {
  const folder = mkdtempSync(join(tmpdir(), 'snapshots-bench-'))
  try {
    const [golden, dump] = ['float32', 'bf16'].map((weights) => dumpOf(folder, weights))
    const raw = golden.steps.reduce((sum, { files: [file] }) => sum + statSync(file).size, 0)
    console.log(`\n${sizes} tokens of ${vocab} logits in bfloat16; the dump itself: ${text(raw)}`)
    const compare = checkOptions({ dtype: 'bf16', threads: 1 })
    const [, plain] = timed(() => compareDumps(dump, golden, { dtype: 'bf16', threads: 1 }))
    console.log(`two dumps                              ${plain} to compare`)
    for (const [fidelity, k] of [['full', 256], ...K.map((k) => ['compact', k])]) {
      const path = join(folder, `${fidelity}-${k}.golden`)
      const settings = { fidelity, k, test: 'bench', provenance: {}, compare }
      const [{ kind }, write] = timed(() => writeSnapshot(path, golden, settings))
      if (kind !== 'written') throw new Error(kind)
      const [, check] = timed(() => compareSnapshot(readSnapshot(path), dump, compare))
      const bytes = statSync(path).size + (fidelity === 'full' ? statSync(dataPath(path)).size : 0)
      const name = fidelity === 'full' ? 'full' : `compact, k ${k}`
      const perToken = `${(bytes / sizes / 1000).toFixed(2).padStart(7)} kB per token`
      console.log(`${name.padEnd(16)} ${text(bytes)}   ${perToken}, ${write} to write, ${check} to check`)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The result, and the processor time of a token as text. */
function timed(task) {
  const before = process.cpuUsage()
  const result = task()
  const { user, system } = process.cpuUsage(before)
  return [result, `${((user + system) / 1000 / sizes).toFixed(1)} ms`]
}

function dumpOf(folder, weights) {
  const path = join(folder, weights)
  mkdirSync(path)
  const files = Array.from({ length: 16 }, (_, step) => {
    const row = PRECISIONS.bf16.row(model.logits(model.hidden(step), weights))
    const bytes = Buffer.alloc(2 * vocab)
    const words = new Uint32Array(row.buffer)
    for (let i = 0; i < vocab; i++) bytes.writeUInt16LE(words[i] >>> 16, 2 * i)
    const header = `$Version=1.0\n$Object.Count=1\n$Object.Length=${bytes.length}\nformat=2\ndtype=27\ndims=1,${vocab}\n$Object.data=0,${bytes.length}\n$End=1\n`
    const file = join(path, `outtensor${step}.bin`)
    writeFileSync(file, Buffer.concat([Buffer.from(header), bytes]))
    return file
  })
  const steps = Array.from({ length: sizes }, (_, step) => ({ step, files: [files[step % 16]], layer: '67_LmHead' }))
  return { path, layout: 'atb', named: 'folder', steps, notes: [], ignored: [], stepsAssumed: false, budgets: {} }
}

function text(bytes) {
  return `${(bytes / 1e6).toFixed(1).padStart(7)} MB`
}

function share(n) {
  return `${((100 * n) / rows).toFixed(1)} %`
}

function span(sorted) {
  const at = (q) => sorted[Math.floor(q * (sorted.length - 1))].toExponential(1)
  return `${at(0)} / ${at(0.5)} / ${at(1)} (least, median, most)`
}
