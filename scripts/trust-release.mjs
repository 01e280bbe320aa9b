// The trust table with measured limits in place of the default ones: honest runs that fail, and faults that pass, by the default
// limits, by a calibration and by a baseline. Simulated runs with rows in memory (V = 4,000). Limits are calibrated on another
// simulator with its own seed, so that nothing is tested on what it was measured on. Prints Markdown tables. Usage:
// npm run build && node scripts/trust-release.mjs [--runs 200] [--faulty 40] [--tokens 40] [--seed 2] [--calibration-seed 101]
// [--tops 16,31,60] [--dtypes bf16,fp16] [--decodings greedy,forced] [--faults 'one id +1,noise 0.1']
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
    seed: { type: 'string', default: '2' },
    'calibration-seed': { type: 'string', default: '101' },
    tops: { type: 'string', default: '16,31,60' },
    dtypes: { type: 'string', default: 'bf16,fp16' },
    decodings: { type: 'string', default: 'greedy,forced' },
    faults: { type: 'string', default: 'scale 1.02 on a step,scale 1.02 on all,temperature 0.95,noise 0.1,one id +1' },
  },
})
const [runs, faulty, tokens, seed] = ['runs', 'faulty', 'tokens', 'seed'].map((key) => Number(values[key]))
const names = values.faults === 'all' ? Object.keys(FAULTS) : values.faults.split(',').filter(Boolean)
const dist = join(import.meta.dirname, '../dist/esm/index.js')
const { calibrate, compareDumps, logitsOf } = await import(pathToFileURL(dist).href)

const BUILD = { model: 'simulator', device: 'none', tensorParallel: 1 }

const started = performance.now()
console.log(
  `${runs} honest runs and ${faulty} of each fault, ${tokens} tokens, seed ${seed}; calibrated on 10 runs of 100 tokens, seed ${values['calibration-seed']}\n`,
)
console.log('Of each rule: pass without a warning / pass with one / fail / inconclusive.\n')
console.log('| top | dtype | decoding | run | default limits | calibration | baseline |\n|---|---|---|---|---|---|---|')
for (const top of values.tops.split(',').map(Number)) {
  for (const dtype of values.dtypes.split(',')) {
    const calibration = calibrated(top, dtype)
    const simulator = new Simulator({ top, dtype, seed })
    for (const decoding of values.decodings.split(',')) {
      printRow([top, dtype, decoding, 'honest'], simulator, runs, calibration)
      for (const name of names) printRow([top, dtype, decoding, name], simulator, faulty, calibration, FAULTS[name])
    }
  }
}
console.log(`\n${Math.round((performance.now() - started) / 1000)} s`)

function calibrated(top, dtype) {
  const simulator = new Simulator({ top, dtype, seed: Number(values['calibration-seed']) })
  const accepted = Array.from({ length: 10 }, (_, run) => {
    const { golden, dump } = simulator.run(run, 100, 'forced')
    return { golden: logitsOf(golden), dump: logitsOf(dump) }
  })
  return calibrate(accepted, { ...BUILD, dtype, decoding: 'forced', threads: 1 })
}

function printRow([top, dtype, decoding, name], simulator, count, calibration, fault) {
  const results = [newCounts(), newCounts(), newCounts()]
  for (let run = 0; run < count; run++) {
    const { golden, dump } = simulator.run(run, tokens, decoding, fault)
    const baseline = simulator.run(run, tokens, decoding, undefined, 1).dump
    const rules = [{}, { calibration, ...BUILD }, { baseline: logitsOf(baseline) }]
    for (const [i, rule] of rules.entries()) {
      const options = { dtype, decoding, threads: 1, ...rule }
      const { pass, warnings, inconclusive } = compareDumps(logitsOf(dump), logitsOf(golden), options)
      if (pass) results[i][warnings.length > 0 ? 'warned' : 'pass']++
      else results[i][inconclusive === undefined ? 'fail' : 'inconclusive']++
    }
  }
  const cells = results.map((result) =>
    Object.values(result)
      .map((number) => percent(number, count))
      .join(' / '),
  )
  console.log(`| ${top} | ${dtype} | ${decoding} | ${name} | ${cells.join(' | ')} |`)
}

function newCounts() {
  return { pass: 0, warned: 0, fail: 0, inconclusive: 0 }
}

function percent(count, all) {
  return `${((100 * count) / all).toFixed(count === 0 || count === all ? 0 : 1)}`
}
