// The default verdicts on rows of real models: prints the tables of docs/trust.md. Usage, after scripts/trust/real_model.py has
// written the rows: npm run build && node scripts/trust/real-rows.mjs FOLDER ['one id +1,stale step']
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { FAULTS } from './faults.mjs'
import { generator, rounded } from './simulator.mjs'
import { cells, markdown, percent, shares } from './tables.mjs'
import { addRun, isBeyond, newTally } from './tally.mjs'

/** Tokens of a forced run: the answers are cut into parts of that length. */
const PART = 40

const LIMITS = { bf16: 0.005, fp16: 0.0001, fp32: 0.000001 }

const dist = join(import.meta.dirname, '../../dist/esm/index.js')
const { compareDumps, logitsOf, readTensors } = await import(pathToFileURL(dist).href)
const [folder, faults = Object.keys(FAULTS).join()] = process.argv.slice(2)

for (const kind of ['trained', 'random']) {
  if (!existsSync(join(folder, `${kind} golden.npy`))) continue
  const golden = answersOf(`${kind} golden`)
  const names = readdirSync(folder).filter((name) => name.startsWith(kind) && !/golden|lengths/.test(name))
  const variants = names.map((name) => name.slice(kind.length + 1, -'.npy'.length)).sort()
  console.log(`\n### ${kind} weights\n`)
  const verdicts = 'pass / warning / fail / inconclusive, %'
  const header = ['run', 'dtype', 'decoding', 'runs', verdicts, 'strict', 'unwarned or strict, beyond honest']
  const statistics = [
    'tokens',
    'over a limit',
    'excused',
    'fail',
    'spread, middle and most',
    'scale of a token',
    'ΣKL/ΣH',
  ]
  console.log(markdown([...header, ...statistics], []))
  const print = (...row) => console.log(cells(rowOf(...row)))
  for (const decoding of ['forced', 'free']) {
    for (const dtype of ['bf16', 'fp16', 'fp32']) {
      // Free rows take the longest to make.
      if (!existsSync(join(folder, `${kind} ${dtype} honest ${decoding}.npy`))) continue
      const honest = answersOf(`${kind} ${dtype} honest ${decoding}`)
      const clean = tallyOf(dtype, decoding, golden, honest)
      print('honest', dtype, decoding, clean, clean)
      for (const variant of variants) {
        const [precision, ...words] = variant.split(' ')
        if (precision !== dtype || words[0] === 'honest') continue
        const model = tallyOf(dtype, decoding, golden, answersOf(`${kind} ${variant}`))
        print(`${words.slice(0, -1).join(' ')}, in the model`, dtype, decoding, model, clean)
      }
      // What is read behind the first flip of a free run is not judged: so the rows of the forced run show it as well.
      const same = decoding === 'free' ? answersOf(`${kind} ${dtype} honest forced`) : honest
      for (const name of faults.split(',')) {
        const fault = FAULTS[name]
        print(name, dtype, decoding, tallyOf(dtype, decoding, golden, same, fault), clean)
      }
    }
  }
}

/** The rows of each answer. */
function answersOf(name) {
  const read = (file) => readTensors(join(folder, `${file}.npy`))[0]
  const tensor = read(name)
  const all = tensor.toFloat32()
  const width = tensor.shape[1]
  let start = 0
  return Array.from(read(`${name}.lengths`).toFloat32(), (length) => {
    const rows = Array.from({ length }, (_, i) => all.subarray((start + i) * width, (start + i + 1) * width))
    start += length
    return rows
  })
}

function tallyOf(dtype, decoding, golden, tested, fault) {
  const tally = { ...newTally(), all: 0, over: 0, excused: 0, failed: 0 }
  const random = generator(5)
  golden.forEach((trusted, answer) => {
    const rows = tested[answer].map((row, at) => {
      const step = decoding === 'forced' ? at - (at % PART) + 3 : 3
      const place = { at, step, length: trusted.length, random, before: tested[answer][at - 1] }
      return stored(fault?.(row, place) ?? row, dtype)
    })
    const parts = decoding === 'forced' ? Math.max(1, Math.round(trusted.length / PART)) : 1
    const cut = (list, part) => list.slice(part * PART, part + 1 === parts ? undefined : (part + 1) * PART)
    for (let part = 0; part < parts; part++) {
      const trustedPart = cut(
        trusted.map((row) => stored(row, 'fp32')),
        part,
      )
      const sides = [cut(rows, part), trustedPart]
      addRun(tally, `${answer} ${part}`, (options) => {
        const how = { dtype, decoding: decoding === 'free' ? 'greedy' : decoding, threads: 1, ...options }
        const comparison = compareDumps(...sides.map((side) => logitsOf(side, { firstStep: 0 })), how)
        if (options.strict === undefined) addTokens(tally, comparison.tokens, dtype)
        return comparison
      })
    }
  })
  return tally
}

function stored(row, dtype) {
  // A copy, since a stale step has the row of the step before.
  return dtype === 'fp32' ? { data: row.slice(), dims: [1, row.length], dtype: 'float32' } : rounded(row, dtype)
}

function addTokens(tally, tokens, dtype) {
  for (const { metrics, isExcused, verdict } of tokens) {
    if (verdict === 'not-comparable' || !metrics) continue
    tally.all++
    if (!(metrics.klDivergence < LIMITS[dtype] && metrics.cosineSimilarity > 0.999)) tally.over++
    if (isExcused) tally.excused++
    if (verdict === 'over-threshold') tally.failed++
  }
}

function rowOf(name, dtype, decoding, tally, honest) {
  const { count, strict, all, statistics } = tally
  const beyond = (of) => tally[of].filter((run) => isBeyond(run, honest.statistics)).length
  const share = (part) => `${((100 * part) / all).toFixed(1)} %`
  const of = (key) => statistics.map((run) => run[key]).sort((a, b) => a - b)
  const [spreads, scales, ratios] = ['spread', 'tokenScale', 'divergence'].map(of)
  const number = (value) => Number(value.toPrecision(2))
  return [
    name,
    dtype,
    decoding,
    count,
    shares(tally),
    percent(strict, count),
    name === 'honest' ? '–' : `${beyond('unwarned')}, ${beyond('missed')}`,
    all,
    ...[tally.over, tally.excused, tally.failed].map(share),
    `${number(spreads[count >> 1])}, ${number(spreads.at(-1))}`,
    number(scales.at(-1)),
    number(ratios.at(-1)),
  ]
}
