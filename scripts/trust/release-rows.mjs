// Calibration and baseline on rows of SmolLM2-135M: prints a calibration, and a table of verdicts and reasons. Usage, after
// scripts/trust/release_model.py has written the rows: npm run build && node scripts/trust/release-rows.mjs release-rows.npz
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { generator, normal, rounded } from './simulator.mjs'

const dist = join(import.meta.dirname, '../../dist/esm/index.js')
const { calibrate, calibrationText, compareDumps, logitsOf, readTensors } = await import(pathToFileURL(dist).href)

const tensors = new Map(readTensors(process.argv[2]).map((tensor) => [tensor.name.replace(/\.npy$/, ''), tensor]))
const BUILD = { model: 'SmolLM2-135M-Instruct', device: 'cpu', tensorParallel: 1 }
const FORCED = { decoding: 'forced', threads: 1 }

const goldens = { calibrating: dump('calibrating golden'), testing: dump('testing golden') }
// Two honest runs with other bits: each text by itself, and all texts as one batch.
const accepted = ['calibrating bf16 one thread', 'calibrating bf16 batched'].map((name) => ({
  dump: dump(name, 'bf16'),
  golden: goldens.calibrating,
}))
const calibration = calibrate(accepted, { ...BUILD, ...FORCED })
console.log(calibrationText(calibration))

const honest = rowsOf('testing bf16 one thread')
const random = generator(5)
const noisy = (size) => honest.map((row) => row.map((logit) => logit + size * normal(random)))
const candidates = [
  ['honest bf16, two threads', dump('testing bf16 two threads', 'bf16')],
  ['honest bf16, one batch', dump('testing bf16 batched', 'bf16')],
  ['honest bf16, token by token', dump('testing bf16 stepwise', 'bf16')],
  ['honest fp16', dump('testing fp16', 'fp16')],
  ['int8 dynamic quantisation', dump('testing int8 dynamic')],
  ['int8 weights in bf16', dump('testing int8 weights', 'bf16')],
  ['planted: layer 15 scaled by 1.05', dump('testing layer 15 scaled by 1.05', 'bf16')],
  [
    'planted: logits scaled by 1.02',
    inMemory(
      honest.map((row) => row.map((logit) => 1.02 * logit)),
      'bf16',
    ),
  ],
  ['planted: noise 0.1 on the logits', inMemory(noisy(0.1), 'bf16')],
  ['planted: one vocab id +1', inMemory(honest.map(shifted), 'bf16')],
]
const rules = [
  ['default limits', {}],
  ['calibration', { calibration, ...BUILD }],
  ['baseline', { baseline: dump('testing bf16 one thread', 'bf16') }],
]
console.log('| dump | rule | verdict | tokens over | reason |\n|---|---|---|---|---|')
for (const [name, tested] of candidates) {
  for (const [rule, options] of rules) {
    const { verdict, over, reason } = judged(tested, options)
    console.log(`| ${name} | ${rule} | ${verdict} | ${over} | ${reason} |`)
  }
}
// Without the option dtype the precision of the dump decides which calibration fits.
try {
  compareDumps(dump('testing fp16', 'fp16'), goldens.testing, { ...FORCED, calibration, ...BUILD })
} catch (error) {
  console.log(`\nhonest fp16 without dtype: ${error.message}`)
}

function judged(tested, options) {
  const comparison = compareDumps(tested, goldens.testing, { ...FORCED, dtype: 'bf16', ...options })
  const { pass, warnings, firstFailure, counts, run = [] } = comparison
  const reasons = [
    ...(firstFailure ? [`token ${firstFailure.step}: ${firstFailure.reason}`] : []),
    ...run.filter(({ verdict }) => verdict !== 'pass').map(({ reason }) => reason),
    ...(pass ? warnings : []),
  ]
  const verdict = pass ? (warnings.length > 0 ? 'pass with a warning' : 'pass') : 'fail'
  return { verdict, over: `${counts.overThreshold} of ${counts.compared}`, reason: reasons.join('; ') }
}

/** A rare vocab id. */
function shifted(row) {
  const other = row.slice()
  other[777] += 1
  return other
}

function rowsOf(name) {
  const tensor = tensors.get(name)
  const all = tensor.toFloat32()
  const width = tensor.shape[1]
  return Array.from({ length: tensor.shape[0] }, (_, i) => all.subarray(i * width, (i + 1) * width))
}

function dump(name, precision) {
  return inMemory(rowsOf(name), precision)
}

/** Rows as a dump of that precision holds them; float32 without one. */
function inMemory(rows, precision) {
  return logitsOf(
    rows.map((row) => (precision ? rounded(row, precision) : { data: row, dims: [1, row.length], dtype: 'float32' })),
  )
}
