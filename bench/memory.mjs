// The same logits compared from files and from memory: milliseconds a token, elapsed and of processor time on all threads.
// Usage: npm run bench -- memory [--vocab 151936] [--tokens 200] [--runs 7]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { compareDumps, loadDump, logitsOf, readTensors } from '../dist/esm/index.js'
import { makeDumps } from './dumps.mjs'

const { values } = parseArgs({
  options: {
    vocab: { type: 'string', default: '151936' },
    tokens: { type: 'string', default: '200' },
    runs: { type: 'string', default: '7' },
  },
})
const [vocab, tokens, runs] = [values.vocab, values.tokens, values.runs].map(Number)
const folder = mkdtempSync(join(tmpdir(), 'golden-logits-bench-'))

try {
  console.log(`${tokens} tokens, vocabulary of ${vocab}, median of ${runs} runs: elapsed (processor time)\n`)
  console.log('golden and dump      from files, 1 thread    from files, all threads    from memory')
  for (const [golden, dump] of [
    ['float32', 'float32'],
    ['float32', 'bfloat16'],
    ['float16', 'float16'],
  ]) {
    const paths = makeDumps(folder, { vocab, tokens, golden, dump, distinct: 20 })
    const inFiles = { golden: loadDump(paths.golden), dump: loadDump(paths.dump) }
    const inMemory = { golden: arraysOf(inFiles.golden, golden), dump: arraysOf(inFiles.dump, dump) }
    const ways = [
      () => compareDumps(loadDump(paths.dump), loadDump(paths.golden), { threads: 1 }),
      () => compareDumps(loadDump(paths.dump), loadDump(paths.golden)),
      () => compareDumps(logitsOf(...inMemory.dump), logitsOf(...inMemory.golden)),
    ]
    const times = ways.map(() => [])
    // In turn, so that all ways meet the same state of the machine.
    for (let run = 0; run <= runs; run++) {
      for (const [i, way] of ways.entries()) {
        const [started, usage] = [performance.now(), process.cpuUsage()]
        const { counts } = way()
        const elapsed = performance.now() - started
        const { user, system } = process.cpuUsage(usage)
        if (counts.compared !== tokens) throw new Error(`${counts.compared} of ${tokens} tokens compared`)
        // The first run reads the files into the system's cache.
        if (run > 0) times[i].push([elapsed / tokens, (user + system) / 1000 / tokens])
      }
    }
    const cells = times.map((list) => `${median(list, 0)} (${median(list, 1)}) ms`.padStart(24))
    console.log(`${`${golden}, ${dump}`.padEnd(18)}${cells.join('')}`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function median(list, column) {
  const values = list.map((row) => row[column]).sort((a, b) => a - b)
  return values[values.length >> 1].toFixed(3)
}

/** The arguments of `logitsOf` for the rows of a dump, each in a separate array. */
function arraysOf(dump, dtype) {
  const rows = Array.from(dump.steps, ({ files: [file] }) => {
    const [tensor] = readTensors(file)
    const bytes = new Uint8Array(tensor.length * (dtype === 'float32' ? 4 : 2))
    tensor.readRaw(0, tensor.length, bytes)
    return dtype === 'float32' ? new Float32Array(bytes.buffer) : new Uint16Array(bytes.buffer)
  })
  return [rows, dtype === 'float32' ? {} : { dtype }]
}
