// The default verdicts on rows of real models: prints a table of runs (one for each prompt) and of tokens. Usage, after
// scripts/trust/real_model.py has written the rows: npm run build && node scripts/trust/real-rows.mjs rows.npz
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { FAULTS } from './faults.mjs'
import { generator, rounded } from './simulator.mjs'

const dist = join(import.meta.dirname, '../../dist/esm/index.js')
const { compareDumps, logitsOf, readTensors } = await import(pathToFileURL(dist).href)

const tensors = new Map(readTensors(process.argv[2]).map((tensor) => [tensor.name.replace(/\.npy$/, ''), tensor]))
const lengths = tensors.get('lengths').toFloat32()

console.log(
  '| rows | dtype | decoding | runs that pass | with warning | fail | inconclusive | tokens over the limits | excused | fail |',
)
console.log('|---|---|---|---|---|---|---|---|---|---|')
const golden = rowsOf('golden')
for (const dtype of ['bf16', 'fp16']) {
  const honest = rowsOf(dtype)
  for (const decoding of ['forced', 'greedy']) {
    printRow('honest', dtype, decoding, golden, honest, lengths)
    for (const [name, fault] of Object.entries(FAULTS)) printRow(name, dtype, decoding, golden, honest, lengths, fault)
  }
}
for (const name of tensors.keys()) {
  if (name.startsWith('bf16 ')) printRow(name.slice(5), 'bf16', 'forced', golden, rowsOf(name), lengths)
}
if (tensors.has('random bf16')) {
  const equal = Array.from({ length: 6 }, () => 100)
  printRow('random weights, honest', 'bf16', 'forced', rowsOf('random golden'), rowsOf('random bf16'), equal)
}

function rowsOf(name) {
  const tensor = tensors.get(name)
  const all = tensor.toFloat32()
  const width = tensor.shape[1]
  return Array.from({ length: tensor.shape[0] }, (_, i) => all.subarray(i * width, (i + 1) * width))
}

function printRow(name, dtype, decoding, trusted, tested, runLengths, fault) {
  const result = { pass: 0, warned: 0, fail: 0, inconclusive: 0 }
  const tokens = { all: 0, over: 0, excused: 0, failed: 0 }
  const random = generator(5)
  let start = 0
  for (const length of runLengths) {
    const sides = [[], []]
    for (let step = 0; step < length; step++) {
      const row = tested[start + step]
      const place = { at: step, step: 3, length, random, before: tested[start + step - 1] }
      const dump = fault?.(row, place) ?? row
      sides[0].push({ data: trusted[start + step], dims: [1, row.length], dtype: 'float32' })
      sides[1].push(rounded(dump, dtype))
    }
    start += length
    const comparison = compareDumps(logitsOf(sides[1]), logitsOf(sides[0]), { dtype, decoding, threads: 1 })
    const { pass, warnings, inconclusive } = comparison
    if (pass) result[warnings.length > 0 ? 'warned' : 'pass']++
    else result[inconclusive === undefined ? 'fail' : 'inconclusive']++
    for (const { metrics, isExcused, verdict } of comparison.tokens) {
      if (verdict === 'not-comparable') continue
      tokens.all++
      const limit = dtype === 'bf16' ? 0.005 : 0.0001
      if (!(metrics.klDivergence < limit && metrics.cosineSimilarity > 0.999)) tokens.over++
      if (isExcused) tokens.excused++
      if (verdict === 'over-threshold') tokens.failed++
    }
  }
  const share = (count) => `${((100 * count) / tokens.all).toFixed(1)} %`
  const { pass, warned, fail, inconclusive } = result
  console.log(
    `| ${name} | ${dtype} | ${decoding} | ${pass} | ${warned} | ${fail} | ${inconclusive} | ${share(tokens.over)} of ${tokens.all} | ${share(tokens.excused)} | ${share(tokens.failed)} |`,
  )
}
