// Prints what llama-perplexity --kl-divergence printed of a build beside what golden-logits computes from its base files.
// Usage, after a build: node scripts/llama-statistics.mjs FOLDER [BUILD …]
// FOLDER holds f32.kld, {BUILD}.kld (--kl-divergence-base) and {BUILD}-against-f32.txt (what --kl-divergence printed).
// The command `compare` computes the statistics of KL divergence and top-1. Δp is decoded here: rounded rows have no
// metric of the product. llama-perplexity evaluates the build again, and golden-logits reads it rounded to 16 bits, so that
// numbers differ by what this rounding does: ln p by 1.22e-4 at most. Exits with 1 if one differs by more.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What rounding of both sides may change: a KL divergence, a statistic of all of them, and a probability in percent. */
const TOLERANCE = { value: 1e-4, mean: 1e-5, percent: 0.002 }

const [folder, ...names] = process.argv.slice(2)
if (folder === undefined) {
  console.error('usage: node scripts/llama-statistics.mjs FOLDER [BUILD …]')
  process.exit(2)
}
const builds = names.length > 0 ? names : ['q8_0', 'f16']
const base = decoded(join(folder, 'f32.kld'))
let worst = 0
for (const build of builds) {
  const printed = readFileSync(join(folder, `${build}-against-f32.txt`), 'utf8')
  const rows = [...klRows(build), ...deltaRows(decoded(join(folder, `${build}.kld`)))]
  console.log(`\n${folder}, ${build} against f32`)
  console.log('| statistic | llama-perplexity | golden-logits | difference | allowed |')
  console.log('|---|---|---|---|---|')
  for (const [name, values, tolerance] of rows) {
    for (const [i, value] of values.entries()) {
      const theirs = printedOf(printed, name)[i]
      const difference = Math.abs(value - theirs)
      worst = Math.max(worst, difference / tolerance)
      const title = i === 0 ? name : '± its error'
      console.log(`| ${title} | ${theirs} | ${value.toFixed(6)} | ${difference.toExponential(1)} | ${tolerance} |`)
    }
  }
}
console.log(worst <= 1 ? '\nall agree' : '\nsome do not agree')
process.exitCode = worst <= 1 ? 0 : 1

/** The numbers behind a name: the statistic, and its error if it has one. */
function printedOf(text, name) {
  const line = text.split('\n').find((line) => line.trim().startsWith(name))
  if (line === undefined) throw new Error(`nothing is printed of ${name}`)
  return line
    .slice(line.indexOf(':') + 1)
    .match(/-?[\d.]+/g)
    .map(Number)
}

function klRows(build) {
  const paths = ['-gp', join(folder, 'f32.kld'), '-mp', join(folder, `${build}.kld`)]
  const open = ['--dtype', 'bf16', '--kl-divergence', '100', '--no-report', '--json']
  const cli = join(import.meta.dirname, '../dist/esm/cli.js')
  const options = { encoding: 'utf8', maxBuffer: 2 ** 28, stdio: ['ignore', 'pipe', 'ignore'] }
  const report = JSON.parse(execFileSync(process.execPath, [cli, 'compare', ...paths, ...open], options))
  const { meanKl, meanKlError, maxKl, klPercentiles, top1Agreement } = report.comparisons[0].statistics
  return [
    ['Mean    KLD', [meanKl, meanKlError], TOLERANCE.mean],
    ['Maximum KLD', [maxKl.value], TOLERANCE.value],
    ...klPercentiles.map(({ percent, value }) => [
      percent === 50 ? 'Median  KLD' : `${percent.toFixed(1)}%   KLD`,
      [value],
      TOLERANCE.value,
    ]),
    ['Same top p', [100 * top1Agreement.value, 100 * top1Agreement.error], 5e-4],
  ]
}

/** Of the probability that each side gave to the token that came next in the text. */
function deltaRows(build) {
  const deltas = base.map((p, row) => 100 * (build[row] - p))
  const count = deltas.length
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / count
  const error = (values) => Math.sqrt((mean(values.map((x) => x * x)) - mean(values) ** 2) / (count - 1))
  const squares = deltas.map((delta) => delta * delta)
  const rms = Math.sqrt(mean(squares))
  const sorted = [...deltas].sort((a, b) => a - b)
  const percentile = (percent) => {
    const at = (percent / 100) * (count - 1)
    const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]]
    return low + (at - Math.floor(at)) * (high - low)
  }
  const percents = [99.9, 99, 95, 90, 75, 25, 10, 5, 1, 0.1]
  return [
    ['Mean    Δp', [mean(deltas), error(deltas)], TOLERANCE.percent],
    ['Maximum Δp', [sorted.at(-1)], TOLERANCE.percent],
    ...percents.map((percent) => [`${percent.toFixed(1)}%   Δp`, [percentile(percent)], TOLERANCE.percent]),
    ['Median  Δp', [percentile(50)], TOLERANCE.percent],
    ['Minimum Δp', [sorted[0]], TOLERANCE.percent],
    ['RMS Δp', [rms, (0.5 / rms) * error(squares)], TOLERANCE.percent],
  ]
}

/** The probability that each row of a base file gives to the next token of the text. */
function decoded(file) {
  const bytes = readFileSync(file)
  const [context, vocabulary, chunks] = [8, 12, 16].map((at) => bytes.readInt32LE(at))
  const rows = context - 1 - Math.floor(context / 2)
  const rowBytes = 2 * (2 * Math.ceil(vocabulary / 2) + 4)
  const start = 20 + 4 * context * chunks
  return Array.from({ length: chunks * rows }, (_, index) => {
    const [chunk, row] = [Math.floor(index / rows), index % rows]
    const next = bytes.readInt32LE(20 + 4 * (chunk * context + Math.floor(context / 2) + row + 1))
    const at = start + index * rowBytes
    return Math.exp(bytes.readFloatLE(at) * bytes.readUInt16LE(at + 8 + 2 * next) + bytes.readFloatLE(at + 4))
  })
}
