// Time and peak memory of a comparison by number of tokens, on one thread and on several: cold (workers must start) and warm.
// Most files are links, so that a million tokens fit on a disk. Medians of interleaved rounds, each run in a new process.
// Usage: npm run bench -- scaling [--rounds 5] [--vocab 152064] [--most 10000] [--threads 2]
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { compareDumps, loadDump } from '../dist/esm/index.js'
import { makeFlatDumps } from './dumps.mjs'
import { peakMemory } from './peak-memory.mjs'

const job = process.argv[2]

if (job?.startsWith('{')) measure(JSON.parse(job))
else report()

/** Compares twice in this process: the second time the workers are running. */
function measure({ golden, dump, tokens, threads }) {
  const sides = [dump, golden].map((path) => loadDump(path))
  const compare = () => {
    const started = performance.now()
    const { counts } = compareDumps(...sides, { threads })
    if (counts.compared !== tokens) throw new Error(`compared ${counts.compared} of ${tokens}`)
    return performance.now() - started
  }
  const cold = compare()
  const peak = peakMemory()
  process.stdout.write(JSON.stringify({ cold, warm: compare(), peak }))
}

function report() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      vocab: { type: 'string', default: '152064' },
      most: { type: 'string', default: '10000' },
      threads: { type: 'string', default: '2' },
    },
  })
  const [rounds, vocab, most, many] = [values.rounds, values.vocab, values.most, values.threads].map(Number)
  console.log(
    `V = ${vocab}, golden float32 .pth against bfloat16 .pth, ${cpus().length} x ${cpus()[0].model}, Node ${process.version}`,
  )
  console.log(
    `tokens | 1 thread, µs/token | ${many} threads cold | warm | speed-up cold | warm | peak MB, 1 thread | ${many} threads`,
  )
  const folder = mkdtempSync(join(tmpdir(), 'golden-logits-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  process.on('SIGINT', () => process.exit(130))
  for (let tokens = 10; tokens <= most; tokens *= 10) {
    const { paths, remove } = makeFlatDumps(folder, { vocab, tokens })
    const results = { 1: [], [many]: [] }
    for (let round = 0; round < rounds; round++) {
      for (const threads of [1, many]) {
        const given = JSON.stringify({ ...paths, tokens, threads })
        results[threads].push(
          JSON.parse(execFileSync(process.execPath, [import.meta.filename, given], { encoding: 'utf8' })),
        )
      }
    }
    remove()
    const of = (threads, what) => median(results[threads].map((result) => result[what]))
    const each = (milliseconds) => ((1000 * milliseconds) / tokens).toFixed(1)
    const ratio = (what) => (of(1, what) / of(many, what)).toFixed(2)
    const memory = [of(1, 'peak').toFixed(0), of(many, 'peak').toFixed(0)]
    console.log(
      [
        tokens,
        `${each(of(1, 'cold'))} cold, ${each(of(1, 'warm'))} warm`,
        each(of(many, 'cold')),
        each(of(many, 'warm')),
        ratio('cold'),
        ratio('warm'),
        ...memory,
      ].join(' | '),
    )
  }
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}
