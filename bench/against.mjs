// Two builds of this package side by side: time and memory of the gate and of `compareDumps` (which makes an array of tokens),
// in new processes, in turn. Prints the medians of
// both and the ratios of neighbouring runs (this build over the other one): their median, lowest and highest value.
// Usage: npm run bench -- against ../other/dist [--rounds 7] [--tokens 600]
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { makeDumps } from './dumps.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '7' }, tokens: { type: 'string', default: '600' } },
})
if (positionals.length !== 1) {
  console.error('usage: npm run bench -- against DIST [--rounds 7] [--tokens 600]')
  process.exit(2)
}
const builds = { this: join(import.meta.dirname, '../dist'), other: resolve(positionals[0]) }
const rounds = Number(values.rounds)
const tokens = Number(values.tokens)
const folder = mkdtempSync(join(tmpdir(), 'golden-logits-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
process.on('SIGINT', () => process.exit(130))

console.log(`${cpus().length} x ${cpus()[0].model}, Node ${process.version}; ${rounds} rounds, ${tokens} tokens`)
console.log('| comparison | this, µs a token | other | this / other (lowest to highest) | peak MB, this / other |')
console.log('|---|---|---|---|---|')
for (const kind of [
  { vocab: 152_064, golden: 'float32', dump: 'bfloat16' },
  { vocab: 128_256, golden: 'float16', dump: 'float16' },
  // Over the reference limit of fp16 at most tokens.
  { vocab: 128_256, golden: 'float16', dump: 'float16', noise: 0.02 },
  { vocab: 32_000, golden: 'float32', dump: 'bfloat16' },
]) {
  const paths = makeDumps(folder, { ...kind, tokens, distinct: Math.min(tokens, 60) })
  const name = `${kind.vocab} ${kind.golden}/${kind.dump}${kind.noise ? ', noisy' : ''}`
  for (const threads of [1, 2]) {
    for (const warm of [0, 3 * tokens]) {
      const how = `${threads} ${threads === 1 ? 'thread' : 'threads'}, ${warm === 0 ? 'first' : 'warm'}`
      printRow(`${name}, gate, ${how}`, interleaved({ ...paths, variant: 'gate', threads, warm }))
    }
  }
  printRow(`${name}, compareDumps, 1 thread, first`, interleaved({ ...paths, variant: 'whole', threads: 1, warm: 0 }))
  rmSync(folder, { recursive: true, force: true })
}

function interleaved(settings) {
  return Array.from({ length: rounds }, (_, round) => pair(settings, round))
}

/** One run of each build; which comes first changes from round to round. */
function pair(settings, round) {
  const order = round % 2 === 0 ? ['this', 'other'] : ['other', 'this']
  const runs = order.map((name) => [name, run({ ...settings, tokens, build: builds[name] })])
  return Object.fromEntries(runs)
}

function run(settings) {
  const args = [join(import.meta.dirname, 'variant.mjs'), JSON.stringify(settings)]
  // Warnings about the dumps are left out.
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
}

function printRow(name, runs) {
  const ratios = runs.map((run) => run.this.us / run.other.us)
  const us = (side) => median(runs.map((run) => run[side].us)).toFixed(0)
  const peak = (side) => median(runs.map((run) => run[side].peak)).toFixed(0)
  const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`
  console.log(
    `| ${name} | ${us('this')} | ${us('other')} | ${median(ratios).toFixed(3)} (${range}) | ${peak('this')} / ${peak('other')} |`,
  )
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}
