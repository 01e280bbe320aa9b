// How far the default verdicts can be trusted: honest runs that fail, and faults that pass, on simulated greedy runs with rows
// in memory (V = 4,000). Prints Markdown tables. Seeded. Usage: npm run build && node scripts/trust.mjs [--runs 200] [--faulty 40]
// [--tokens 40] [--seed 1] [--long 40] [--tops 16,31,60]
// [--faults 'one id +1,noise 0.1']; `long` runs have 200 tokens; without `faults`, all are planted
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { FAULTS } from './trust/faults.mjs'
import { Simulator } from './trust/simulator.mjs'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    faulty: { type: 'string', default: '40' },
    tokens: { type: 'string', default: '40' },
    seed: { type: 'string', default: '1' },
    long: { type: 'string', default: '40' },
    tops: { type: 'string', default: '16,31,60' },
    faults: { type: 'string', default: '' },
  },
})
const [runs, faulty, tokens, seed, long] = ['runs', 'faulty', 'tokens', 'seed', 'long'].map((key) =>
  Number(values[key]),
)
const faults = values.faults.split(',').filter(Boolean)
const dist = join(import.meta.dirname, '../dist/esm/index.js')
const { compareDumps, logitsOf } = await import(pathToFileURL(dist).href)

const started = performance.now()
console.log(
  `${runs} honest runs and ${faulty} of each fault, ${tokens} tokens, seed ${seed}; 95 % intervals (Wilson)\n`,
)
console.log('| top | dtype | decoding | run | pass | with warning | fail | inconclusive | comparable, median |')
console.log('|---|---|---|---|---|---|---|---|---|')
const comparableCounts = []
const flips = []
for (const top of values.tops.split(',').map(Number)) {
  for (const dtype of ['bf16', 'fp16']) {
    const simulator = new Simulator({ top, dtype, seed })
    for (const decoding of ['greedy', 'forced']) {
      const honest = tally(simulator, runs, tokens, decoding, undefined)
      printRow(top, dtype, decoding, 'honest', honest)
      if (decoding === 'greedy') comparableCounts.push({ name: `${top} ${dtype}`, counts: honest.comparable })
      if (long > 0)
        printRow(top, dtype, decoding, 'honest, 200 tokens', tally(simulator, long, 200, decoding, undefined))
      const flipsOf = { honest: honest.flips }
      const honestFlips = new Set(honest.flips.map(({ key }) => key))
      for (const [name, fault] of Object.entries(FAULTS)) {
        if (faults.length > 0 && !faults.includes(name)) continue
        const result = tally(simulator, faulty, tokens, decoding, fault)
        // Without noise of its own a fault leaves the flips of the honest run as they are.
        flipsOf[name] = result.flips.filter(({ key }) => !honestFlips.has(key))
        printRow(top, dtype, decoding, name, result, honest)
      }
      // In a greedy run only the first flip is one of the same text.
      if (decoding === 'forced') flips.push({ name: `${top} ${dtype}`, of: flipsOf })
    }
  }
}
console.log('\nHonest free runs with fewer comparable tokens than minComparable:\n')
console.log('| logits | 1 | 2 | 4 | 8 | 16 |\n|---|---|---|---|---|---|')
for (const { name, counts } of comparableCounts) {
  const shares = [1, 2, 4, 8, 16].map((least) => percent(counts.filter((count) => count < least).length, counts.length))
  console.log(`| ${name} | ${shares.join(' | ')} |`)
}
const planted = ['top-1/2 swapped', 'one id +1', 'one id +3', 'noise 0.1', 'noise 0.3']
console.log(
  '\nErrors of the near-tie rule, of the flips of forced runs: honest ones that are called no near-tie, and planted ones',
)
console.log('that are called near-ties:\n')
console.log(`| logits | honest, called none | ${planted.join(' | ')} |\n|---|---|${planted.map(() => '---|').join('')}`)
for (const { name, of } of flips) {
  const shares = planted.map((fault) => shareOf(of[fault], true))
  console.log(`| ${name} | ${shareOf(of.honest, false)} | ${shares.join(' | ')} |`)
}
console.log(`\n${Math.round((performance.now() - started) / 1000)} s`)

function tally(simulator, count, length, decoding, fault) {
  const result = { pass: 0, warned: 0, fail: 0, inconclusive: 0, comparable: [], noise: [], missed: [], flips: [] }
  for (let run = 0; run < count; run++) {
    const { golden, dump } = simulator.run(run, length, decoding, fault)
    const options = { dtype: simulator.dtype, decoding, threads: 1 }
    const comparison = compareDumps(logitsOf(dump), logitsOf(golden), options)
    const { pass, warnings, inconclusive, counts, noise } = comparison
    if (pass) result[warnings.length > 0 ? 'warned' : 'pass']++
    else result[inconclusive === undefined ? 'fail' : 'inconclusive']++
    for (const { flip, step, dump: side } of comparison.tokens) {
      if (flip) result.flips.push({ isBenign: flip.isBenign, key: `${run} ${step} ${side?.top1}` })
    }
    result.comparable.push(counts.compared - counts.notComparable)
    if (noise) result.noise.push(noise)
    if (noise && pass && warnings.length === 0) result.missed.push(noise)
  }
  return result
}

/** @param honest marks unwarned passes whose statistics are beyond those of every honest run */
function printRow(top, dtype, decoding, name, result, honest) {
  const { pass, warned, fail, inconclusive, comparable } = result
  const all = comparable.length
  const middle = comparable.toSorted((a, b) => a - b)[all >> 1]
  const beyond = honest ? result.missed.filter((noise) => isBeyond(noise, honest.noise)).length : 0
  const passes = `${percent(pass, all)}${beyond > 0 ? ` (${beyond} beyond honest)` : ''}`
  const failures = `${percent(fail, all)}${name.startsWith('honest') ? ` (${interval(fail, all)})` : ''}`
  console.log(
    `| ${top} | ${dtype} | ${decoding} | ${name} | ${passes} | ${percent(warned, all)} | ${failures} | ${percent(inconclusive, all)} | ${middle} |`,
  )
}

function isBeyond({ medianSpread, divergenceRatio, deviationRatio }, honest) {
  const most = (of) => Math.max(...honest.map(of))
  const off = ({ deviationRatio: ratio }) => Math.abs(ratio - 1)
  return (
    medianSpread > most((noise) => noise.medianSpread) ||
    divergenceRatio > most((noise) => noise.divergenceRatio) ||
    off({ deviationRatio }) > most(off)
  )
}

/** The share of flips that are, or are not, called benign. */
function shareOf(flips = [], isBenign) {
  if (flips.length === 0) return '–'
  const count = flips.filter((flip) => flip.isBenign === isBenign).length
  return `${percent(count, flips.length)} of ${flips.length}`
}

function percent(count, all) {
  return `${((100 * count) / all).toFixed(count === 0 || count === all ? 0 : 1)} %`
}

/** Wilson's 95 % interval of a share. */
function interval(count, all) {
  const z = 1.96
  const p = count / all
  const middle = (p + (z * z) / (2 * all)) / (1 + (z * z) / all)
  const half = (z / (1 + (z * z) / all)) * Math.sqrt((p * (1 - p)) / all + (z * z) / (4 * all * all))
  return `${(100 * Math.max(0, middle - half)).toFixed(1)} to ${(100 * (middle + half)).toFixed(1)} %`
}
