// How far the default verdicts can be trusted: honest runs that fail, and faults that pass, on simulated runs with rows in memory
// (V = 4,000). Prints the tables of docs/trust.md. Seeded. Usage: npm run build && node scripts/trust.mjs [--runs 200]
// [--faulty 40] [--tokens 40] [--seed 1] [--long 40] [--tops 16,31,60] [--dtypes bf16,fp16] [--decodings greedy,forced]
// [--faults 'one id +1,noise 0.1']; `long` runs have 200 tokens; without `faults`, all are planted
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { FAULTS } from './trust/faults.mjs'
import { Simulator } from './trust/simulator.mjs'
import { markdown, percent, shares } from './trust/tables.mjs'
import { addRun, isBeyond, newTally } from './trust/tally.mjs'

const text = (value) => ({ type: 'string', default: value })
const { values } = parseArgs({
  options: {
    runs: text('200'),
    faulty: text('40'),
    tokens: text('40'),
    seed: text('1'),
    long: text('40'),
    tops: text('16,31,60'),
    dtypes: text('bf16,fp16'),
    decodings: text('greedy,forced'),
    faults: text(Object.keys(FAULTS).join(',')),
  },
})
const [runs, faulty, tokens, seed, long] = ['runs', 'faulty', 'tokens', 'seed', 'long'].map((key) =>
  Number(values[key]),
)
const list = (key) => values[key].split(',')
const dist = join(import.meta.dirname, '../dist/esm/index.js')
const { compareDumps, logitsOf } = await import(pathToFileURL(dist).href)

const started = performance.now()
const settings = list('tops').flatMap((top) => list('dtypes').map((dtype) => ({ top: Number(top), dtype })))
const tallies = { greedy: [], forced: [] }
for (const { top, dtype } of settings) {
  const simulator = new Simulator({ top, dtype, seed })
  for (const decoding of list('decodings')) {
    const all = { honest: simulate(simulator, runs, tokens, decoding, undefined) }
    if (long > 0) all['honest, 200 tokens'] = simulate(simulator, long, 200, decoding, undefined)
    for (const name of list('faults')) all[name] = simulate(simulator, faulty, tokens, decoding, FAULTS[name])
    tallies[decoding].push({ name: `${dtype}, to ${top}`, all })
    console.error(`${dtype}, logits to ${top}, ${decoding}: ${Math.round((performance.now() - started) / 1000)} s`)
  }
}

console.log(`${runs} honest runs and ${faulty} of each fault in each setting, ${tokens} tokens each, seed ${seed}.`)
for (const [decoding, title] of [
  ['forced', 'Forced runs: both sides read the same tokens'],
  ['greedy', 'Free runs: each side goes on with its own top-1'],
]) {
  if (tallies[decoding].length === 0) continue
  const columns = tallies[decoding]
  const names = Object.keys(columns[0].all)
  const rowsOf = (cell) => names.map((name) => [name, ...columns.map(({ all }) => cell(all[name], all.honest))])
  const header = ['run', ...columns.map(({ name }) => name)]
  console.log(`\n### ${title}\n\nPass / pass with a warning / fail / inconclusive, in per cent:\n`)
  console.log(markdown(header, rowsOf(shares)))
  console.log("\nPass with `strict: true` and `rounding: 'aware'`, with a 95 % interval (Wilson):\n")
  console.log(
    markdown(
      header,
      rowsOf(({ strict, count }) => percent(strict, count)),
    ),
  )
  console.log('\nThe tokens that were judged, their median:\n')
  console.log(
    markdown(
      header,
      rowsOf(({ judged }) => judged.toSorted((a, b) => a - b)[judged.length >> 1]),
    ),
  )
}

console.log('\n### What must hold\n')
printMusts()

if (tallies.greedy.length > 0) {
  console.log('\n### Honest free runs with fewer comparable tokens than `minComparable`\n')
  const least = [1, 2, 4, 8, 16]
  const rows = tallies.greedy.map(({ name, all: { honest } }) => {
    return [name, ...least.map((few) => percent(honest.judged.filter((count) => count < few).length, honest.count))]
  })
  console.log(markdown(['logits', ...least.map(String)], rows))
}
// In a free run only the first flip is one of the same text.
if (tallies.forced.length > 0) printFlips()
console.log(`\n${Math.round((performance.now() - started) / 1000)} s`)

function simulate(simulator, count, length, decoding, fault) {
  const tally = newTally()
  for (let run = 0; run < count; run++) {
    const { golden, dump } = simulator.run(run, length, decoding, fault)
    const compare = (options) => {
      return compareDumps(logitsOf(dump), logitsOf(golden), {
        dtype: simulator.dtype,
        decoding,
        threads: 1,
        ...options,
      })
    }
    addRun(tally, run, compare)
  }
  return tally
}

function printMusts() {
  const every = Object.values(tallies).flat()
  const honest = every.flatMap(({ all }) => [all.honest, all['honest, 200 tokens']].filter(Boolean))
  const sum = (of) => honest.reduce((total, tally) => total + of(tally), 0)
  console.log(
    `- Honest runs that fail: ${percent(
      sum(({ fail }) => fail),
      sum(({ count }) => count),
    )}.`,
  )
  const missed = (decoding, of) =>
    tallies[decoding].flatMap(({ name, all }) => {
      return Object.entries(all).flatMap(([fault, tally]) => {
        if (fault.startsWith('honest')) return []
        const beyond = tally[of].filter((statistics) => isBeyond(statistics, all.honest.statistics))
        return beyond.length === 0 ? [] : [`${fault} (${name}): ${beyond.length} of ${tally.count}`]
      })
    })
  const listed = (found) => (found.length === 0 ? 'none' : found.join('; '))
  for (const [decoding, kind] of [
    ['forced', 'Forced runs with a fault'],
    ['greedy', 'Free runs with a fault and without a near-tie'],
  ]) {
    const statistics = 'with statistics that no honest run has'
    console.log(`- ${kind} that pass without a warning, ${statistics}: ${listed(missed(decoding, 'unwarned'))}.`)
    console.log(`- ${kind} that pass with \`strict\`, ${statistics}: ${listed(missed(decoding, 'missed'))}.`)
  }
  const unsaid = every.flatMap(({ all }) => Object.values(all)).reduce((total, { unsaid: count }) => total + count, 0)
  console.log(`- Runs that do not say how many tokens were judged, although some were not: ${unsaid}.`)
}

function printFlips() {
  const planted = ['top-1/2 swapped', 'one id +1', 'one id +3', 'noise 0.1', 'noise 0.3'].filter((name) =>
    list('faults').includes(name),
  )
  console.log('\n### Errors of the near-tie rule, of the flips of forced runs\n')
  console.log('Honest flips that are called no near-tie, and planted ones that are called near-ties:\n')
  const share = (flips, isBenign) => {
    return flips.length === 0 ? '–' : percent(flips.filter((flip) => flip.isBenign === isBenign).length, flips.length)
  }
  const rows = tallies.forced.map(({ name, all }) => {
    // Without its own noise a fault leaves the flips of the honest run as they are.
    const known = new Set(all.honest.flips.map(({ key }) => key))
    const made = (fault) => all[fault].flips.filter(({ key }) => !known.has(key))
    return [name, share(all.honest.flips, false), ...planted.map((fault) => share(made(fault), true))]
  })
  console.log(markdown(['logits', 'honest, called none', ...planted], rows))
}
