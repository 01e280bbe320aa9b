// Compact snapshots: how often they leave a verdict undecided, and whether their bounds hold.
// Usage: npm run bench -- compact [--rows 40] [--pairs 12000] [--seed 1] [--vocab 151936] [--beside CHECKOUT]
// --rows: rows per case, for the shares of undecided verdicts; --pairs: pairs whose exact metrics must lie within the bounds;
// --beside: another checkout of this repository, measured on the same rows
import { parseArgs } from 'node:util'
import { LanguageModel, PRECISIONS } from './language-model.mjs'
import { modules, modulesOf } from './modules.mjs'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '40' },
    pairs: { type: 'string', default: '12000' },
    seed: { type: 'string', default: '1' },
    vocab: { type: 'string', default: '151936' },
    beside: { type: 'string' },
  },
})
const [rows, pairs, seed, vocab] = [values.rows, values.pairs, values.seed, values.vocab].map(Number)
const K = [32, 64, 128, 256]

const COMPACT = ['snapshots/compact/bound', 'snapshots/compact/code', 'snapshots/compact/summarise']
const { compareRows, CHANGES, languageRow, random } = await modules(
  'metrics/compare-rows',
  '../test/snapshots/compact/pairs',
)
const builds = [{ name: 'this', ...(await modules(...COMPACT)) }]
if (values.beside) builds.push({ name: 'other', ...(await modulesOf(values.beside, COMPACT)) })

const LIMITS = { bf16: 0.005, fp16: 0.0001 }
const model = new LanguageModel(seed, vocab)
let [checked, outside] = [0, 0]

console.log(`seed ${seed}, vocabulary of ${vocab}; golden: the float32 model, rounded to bf16 or fp16`)
console.log(`bytes of a row by k: ${builds.map(bytesByK).join('; ')}\n`)
console.log(`Share of undecided tokens by k, of ${rows} rows each${builds.length > 1 ? ' (this / other build)' : ''}\n`)
console.log(`| rows | KL over its limit, median | ${K.map((k) => `k ${k}`).join(' | ')} |`)
console.log(`|---|---|${K.map(() => '---').join('|')}|`)
for (const dtype of ['bf16', 'fp16']) {
  shares(`honest ${dtype}`, dtype, (step) => pairOf(step, dtype, dtype))
  for (const times of [0.1, 0.25, 0.5, 0.8, 1.25, 2, 4, 10]) {
    shares(`${dtype}, drift of ${times} x the KL limit`, dtype, (step) => drifted(step, dtype, times))
  }
}
shares('int8 weights, bf16 logits', 'bf16', (step) => pairOf(step, 'bf16', 'int8'))
shares('int4 weights, bf16 logits', 'bf16', (step) => pairOf(step, 'bf16', 'int4'))
adversaries()
console.log(`\n${checked} intervals, ${outside} of them without the exact value`)
process.exitCode = outside === 0 ? 0 : 1

function bytesByK({ name, summarise, encodeRow }) {
  const [row] = pairOf(0, 'bf16', 'bf16')
  return `${name} build ${K.map((k) => `${k}: ${encodeRow(summarise(row, k)).length}`).join(', ')}`
}

function pairOf(step, dtype, weights) {
  const hidden = model.hidden(step)
  return ['float32', weights].map((precision) => PRECISIONS[dtype].row(model.logits(hidden, precision)))
}

/** The rounding error of int8 weights, scaled so that the KL divergence is `times` times its limit. */
function drifted(step, dtype, times) {
  const hidden = model.hidden(step)
  const [exact, quantised] = ['float32', 'int8'].map((weights) => model.logits(hidden, weights))
  const golden = PRECISIONS[dtype].row(exact)
  const dumpAt = (scale) => PRECISIONS[dtype].row(exact.map((x, i) => x + scale * (quantised[i] - x)))
  let [low, high] = [0, 1]
  const klAt = (scale) => compareRows(golden, dumpAt(scale), vocab).metrics.klDivergence
  while (klAt(high) < times * LIMITS[dtype]) high *= 2
  for (let n = 0; n < 8; n++) {
    const middle = (low + high) / 2
    if (klAt(middle) < times * LIMITS[dtype]) low = middle
    else high = middle
  }
  return [golden, dumpAt(high)]
}

/** Prints how many of the pairs each build leaves undecided. */
function shares(name, dtype, pair) {
  const undecided = builds.map(() => K.map(() => 0))
  const ratios = []
  for (let step = 0; step < rows; step++) {
    const [golden, dump] = pair(step)
    const { metrics } = compareRows(golden, dump, vocab)
    ratios.push(metrics.klDivergence / LIMITS[dtype])
    builds.forEach((build, b) => {
      K.forEach((k, i) => {
        const bounds = boundsOf(build, golden, dump, k, metrics)
        if (isUndecided(bounds, dtype)) undecided[b][i]++
      })
    })
  }
  const cells = K.map((_, i) => undecided.map((counts) => `${((100 * counts[i]) / rows).toFixed(0)} %`).join(' / '))
  const median = ratios.sort((a, b) => a - b)[Math.floor(rows / 2)]
  console.log(`| ${name} | ${median.toPrecision(2)} | ${cells.join(' | ')} |`)
}

/** Of this build alone, it counts the intervals without the exact value. */
function boundsOf(build, golden, dump, k, metrics) {
  const bounds = build.boundCompact(build.summarise(golden, k), dump)
  if (build !== builds[0]) return bounds
  for (const name of ['klDivergence', 'cosineSimilarity']) {
    checked++
    const { lo, hi } = bounds[name]
    if (!(lo <= metrics[name] && metrics[name] <= hi)) outside++
  }
  return bounds
}

function isUndecided({ klDivergence: kl, cosineSimilarity: cosine }, dtype) {
  const over = kl.lo >= LIMITS[dtype] || cosine.hi <= 0.999
  return !over && !(kl.hi < LIMITS[dtype] && cosine.lo > 0.999)
}

/** Pairs of rows that differ in every way that could deceive the sums and sketches, in short and long vocabularies. */
function adversaries() {
  const names = Object.keys(CHANGES)
  const each = Math.ceil(pairs / names.length)
  console.log(`\n| change of the dump's row | pairs | intervals without the exact value |\n|---|---|---|`)
  for (const name of names) {
    const [before, checkedBefore] = [outside, checked]
    for (let round = 0; round < each; round++) {
      const next = random(seed * 1_000_003 + 7919 * round)
      const count = round % 4 === 0 ? 1000 + Math.floor(next() * 20_000) : 2 + Math.floor(next() * 400)
      const golden = languageRow(next, count)
      CHANGES[names[round % names.length]](golden, next)
      const dump = golden.slice()
      CHANGES[name](dump, next)
      const found = compareRows(golden, dump, count)
      if (found.kind !== 'measured' || !(found.metrics.cosineSimilarity <= 1)) continue
      boundsOf(builds[0], golden, dump, 1 + Math.floor(next() * 80), found.metrics)
    }
    // Rows with nothing finite on one side have no metrics.
    console.log(`| ${name} | ${(checked - checkedBefore) / 2} | ${outside - before} |`)
  }
}
