// Stored snapshots: how large they are, and what it takes to write and to check a token.
// Usage: npm run bench -- snapshots [--tokens 300] [--rounds 5] [--vocab 151936] [--threads 2] [--seed 1] [--beside CHECKOUT]
// --beside: another checkout of this repository, measured on the same files, by its compact snapshots with k 256
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { LanguageModel, PRECISIONS } from './language-model.mjs'
import { modules, modulesOf } from './modules.mjs'

const { values } = parseArgs({
  options: {
    tokens: { type: 'string', default: '300' },
    rounds: { type: 'string', default: '5' },
    vocab: { type: 'string', default: '151936' },
    threads: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    beside: { type: 'string' },
  },
})
const [tokens, rounds, vocab, threads, seed] = ['tokens', 'rounds', 'vocab', 'threads', 'seed'].map((name) =>
  Number(values[name]),
)
const NAMES = [
  'compare/compare-dumps',
  'compare/options',
  'snapshots/compare-snapshot',
  'snapshots/read-snapshot',
  'snapshots/types',
  'snapshots/write-snapshot',
]
const build = await modules(...NAMES)
const other = values.beside && (await modulesOf(values.beside, NAMES))

const folder = mkdtempSync(join(tmpdir(), 'snapshots-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
process.on('SIGINT', () => process.exit(130))
const model = new LanguageModel(seed, vocab)
const [golden, dump] = ['float32', 'bf16'].map(dumpOf)

const SNAPSHOTS = [
  { name: 'full', fidelity: 'full', k: 64 },
  ...[32, 64, 128, 256].map((k) => ({ name: `compact, k ${k}`, fidelity: 'compact', k })),
]
const tasks = [
  ['two dumps', (count) => build.compareDumps(dump, golden, { dtype: 'bf16', threads: count })],
  ...SNAPSHOTS.flatMap((snapshot) => tasksOf(build, snapshot)),
  ...(other ? tasksOf(other, { name: 'other build, k 256', fidelity: 'compact', k: 256 }) : []),
]
const found = measure()
print()

/** The tasks of one kind of snapshot. */
function tasksOf({ checkOptions, writeSnapshot, compareSnapshot, readSnapshot }, { name, fidelity, k }) {
  const path = join(folder, `${name}.golden`)
  const compareFor = (count) => checkOptions({ dtype: 'bf16', threads: count })
  const write = (count) => {
    const settings = { fidelity, k, test: 'bench', provenance: {}, compare: compareFor(count) }
    if (writeSnapshot(path, golden, settings).kind !== 'written') throw new Error('the snapshot was refused')
  }
  return [
    [`${name}: write`, write],
    [`${name}: check`, (count) => compareSnapshot(readSnapshot(path), dump, compareFor(count))],
  ]
}

/** Milliseconds of each task for a token, on one thread and on several, in turn: processor time, and time of day. */
function measure() {
  const times = Object.fromEntries(tasks.map(([name]) => [name, { 1: [], [threads]: [] }]))
  for (let round = -1; round < rounds; round++) {
    for (const [name, task] of tasks) {
      for (const count of [1, threads]) {
        const [cpu, started] = [process.cpuUsage(), performance.now()]
        task(count)
        const wall = performance.now() - started
        const { user, system } = process.cpuUsage(cpu)
        // The first round compiles, and makes the random vectors.
        if (round >= 0) times[name][count].push({ cpu: (user + system) / 1000 / tokens, wall: wall / tokens })
      }
    }
  }
  return times
}

function print() {
  console.log(`${cpus().length} x ${cpus()[0].model}, Node ${process.version}`)
  console.log(`${tokens} tokens of ${vocab} logits in bfloat16, medians of ${rounds} rounds, milliseconds a token\n`)
  const plain = median(found['two dumps'][1].map(({ cpu }) => cpu))
  console.log(
    `| | processor time, 1 thread | comparisons of two dumps | ${threads} threads | 1 thread / ${threads} threads |`,
  )
  console.log('|---|---|---|---|---|')
  for (const [name] of tasks) {
    const one = found[name][1]
    const several = found[name][threads]
    const cpu = median(one.map(({ cpu }) => cpu))
    const ratios = one.map(({ wall }, i) => wall / several[i].wall)
    const cells = [name, cpu.toFixed(2), (cpu / plain).toFixed(1)]
    cells.push(median(several.map(({ cpu }) => cpu)).toFixed(2))
    cells.push(`${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`)
    console.log(`| ${cells.join(' | ')} |`)
  }
  console.log(`\nthe last column: time of day, by rounds; the one before it: processor time of all threads\n`)
  for (const { name, fidelity } of [...SNAPSHOTS, ...(other ? [{ name: 'other build, k 256' }] : [])]) {
    const path = join(folder, `${name}.golden`)
    const size = statSync(path).size + (fidelity === 'full' ? statSync(build.dataPath(path)).size : 0)
    console.log(`${name}: ${(size / tokens / 1000).toFixed(2)} kB a token`)
  }
  console.log(`the dump: ${(statSync(dump.steps[0].files[0]).size / 1000).toFixed(0)} kB a token`)
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

/** A dump of 16 different rows, over and over. */
function dumpOf(weights) {
  const path = join(folder, weights)
  mkdirSync(path)
  const files = Array.from({ length: 16 }, (_, step) => {
    const row = PRECISIONS.bf16.row(model.logits(model.hidden(step), weights))
    const bytes = Buffer.alloc(2 * vocab)
    const words = new Uint32Array(row.buffer)
    for (let i = 0; i < vocab; i++) bytes.writeUInt16LE(words[i] >>> 16, 2 * i)
    const header = `$Version=1.0\n$Object.Count=1\n$Object.Length=${bytes.length}\nformat=2\ndtype=27\ndims=1,${vocab}\n$Object.data=0,${bytes.length}\n$End=1\n`
    const file = join(path, `outtensor${step}.bin`)
    writeFileSync(file, Buffer.concat([Buffer.from(header), bytes]))
    return file
  })
  const steps = Array.from({ length: tokens }, (_, step) => ({ step, files: [files[step % 16]], layer: '67_LmHead' }))
  return { path, layout: 'atb', named: 'folder', steps, notes: [], ignored: [], stepsAssumed: false, budgets: {} }
}
