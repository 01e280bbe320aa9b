// Time and memory of comparisons, beside three references: reading the files and nothing else, this package's TypeScript
// kernel, and PyTorch if a Python has it (the variable PYTHON, else python3). Every variant runs in a new process. Rounds are
// interleaved and the medians are printed, so that ratios are reliable on a busy machine too.
// Usage: npm run bench -- [--quick] [--rounds 5] [--tokens 1000]
// The dumps are written into the temporary folder and deleted at the end.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeDumps, makeFlatDumps, makePrompt } from './dumps.mjs'
import { addComparison, makeProject, runProject } from './runner.mjs'

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, rounds: { type: 'string' }, tokens: { type: 'string' } },
})
const rounds = Number(values.rounds ?? (values.quick ? 3 : 5))
const tokens = Number(values.tokens ?? (values.quick ? 100 : 1000))
const python = findPython()
const folder = mkdtempSync(join(tmpdir(), 'golden-logits-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
process.on('SIGINT', () => process.exit(130))

console.log(`${cpus().length} x ${cpus()[0].model}, Node ${process.version}, ${python?.version ?? 'no PyTorch'}`)
console.log(
  `medians of ${rounds} interleaved rounds (cold comparisons run three times in each); ${tokens} tokens, one file each; page cache warm`,
)

const DUMPS = [
  { vocab: 152_064, golden: 'float32', dump: 'bfloat16' },
  { vocab: 128_256, golden: 'float16', dump: 'float16' },
  { vocab: 32_000, golden: 'float32', dump: 'bfloat16' },
]
for (const kind of DUMPS) compareVariants(kind)
curve()
lastRow()
runner()

/** @returns the interpreter and the version of PyTorch, undefined without PyTorch */
function findPython() {
  const command = process.env.PYTHON ?? 'python3'
  try {
    const script = 'import torch; print(torch.__version__)'
    const version = execFileSync(command, ['-c', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return { command, version: `PyTorch ${version.trim()}` }
  } catch {
    return undefined
  }
}

function node(given, env = {}) {
  const args = [join(import.meta.dirname, 'variant.mjs'), JSON.stringify(given)]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, ...env } }))
}

function torch(...args) {
  const script = join(import.meta.dirname, 'pytorch.py')
  // A spinning OpenMP thread would take the processor of the next one.
  const env = { ...process.env, OMP_NUM_THREADS: String(args[0]) }
  return JSON.parse(execFileSync(python.command, [script, ...args.map(String)], { encoding: 'utf8', env }))
}

/**
 * The medians of every number that each variant reports; runs are interleaved. The variants in `often`, which are short and
 * vary most, run `turns` times per round.
 */
function medians(variants, often = [], turns = 3) {
  const results = Object.fromEntries(Object.keys(variants).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (let turn = 1; turn < turns; turn++) for (const name of often) results[name].push(variants[name]())
    for (const [name, run] of Object.entries(variants)) results[name].push(run())
  }
  const middle = (name, what) => {
    const sorted = results[name].map((result) => result[what]).sort((a, b) => a - b)
    return sorted[Math.floor(sorted.length / 2)]
  }
  return Object.fromEntries(
    Object.entries(results).map(([name, [first]]) => [
      name,
      Object.fromEntries(Object.keys(first).map((what) => [what, middle(name, what)])),
    ]),
  )
}

function compareVariants(kind) {
  const paths = makeDumps(folder, { ...kind, tokens, distinct: 20 })
  const few = Math.min(tokens, 50)
  const half = Math.min(tokens, 200)
  const variants = {
    'reading the files': () => node({ variant: 'floor', ...paths, tokens }),
    '1 thread, cold': () => node({ variant: 'compare', ...paths, tokens }),
    '1 thread, warm': () => node({ variant: 'compare', ...paths, tokens, warm: 8 * tokens }),
    '2 threads, cold': () => node({ variant: 'compare', ...paths, tokens, threads: 2 }),
    '2 threads, warm': () => node({ variant: 'compare', ...paths, tokens, threads: 2, warm: 8 * tokens }),
    'TypeScript kernel': () =>
      node({ variant: 'compare', ...paths, tokens: few }, { GOLDEN_LOGITS_KERNEL: 'typescript' }),
    ...(python && {
      'PyTorch, 1 thread': () => torch(1, half, paths.golden, paths.dump),
      'PyTorch, 2 threads': () => torch(2, half, paths.golden, paths.dump),
    }),
  }
  // The first read fills the page cache.
  variants['reading the files']()
  const found = medians(variants, ['1 thread, cold', '2 threads, cold'])
  const floor = found['reading the files'].us
  const best = python && Math.min(found['PyTorch, 1 thread'].us, found['PyTorch, 2 threads'].us)
  console.log(`\nV = ${kind.vocab}, golden ${kind.golden} .pth, dump ${kind.dump} .bin`)
  console.table(
    Object.fromEntries(
      Object.entries(found).map(([name, { us, peak }]) => [
        name,
        {
          'µs a token': Math.round(us),
          'x reading': rounded(us / floor),
          'x as fast as TypeScript': rounded(found['TypeScript kernel'].us / us),
          ...(python && {
            'x PyTorch, 1 thread': rounded(found['PyTorch, 1 thread'].us / us),
            'x PyTorch, best': rounded(best / us),
          }),
          'x 1 thread, cold': rounded(found['1 thread, cold'].us / us),
          'peak MB': Math.round(peak),
        },
      ]),
    ),
  )
  rmSync(join(paths.golden, '../../../..'), { recursive: true, force: true })
}

/** Time and memory by number of tokens. Most files of these dumps are links. */
function curve() {
  const most = values.quick ? 10_000 : 1_000_000
  const table = {}
  for (let count = 10; count <= most; count *= 10) {
    const { paths, remove } = makeFlatDumps(folder, { vocab: 32_000, tokens: count })
    // A million tokens take minutes; one run is enough to see whether memory grows.
    const times = count >= 100_000 ? 1 : rounds
    const runs = Array.from({ length: times }, () =>
      node({ variant: 'whole', ...paths, tokens: count, warm: count <= 1000 ? 4000 : 0 }),
    )
    remove()
    const [middle] = runs.sort((a, b) => a.us - b.us).slice(Math.floor(times / 2))
    table[count] = {
      'µs a token': Math.round(middle.us),
      'µs a token to load': rounded(middle.loading),
      'peak MB': Math.round(middle.peak),
    }
  }
  console.log(
    '\nby number of tokens, V = 32000, 1 thread, flat folders of .pth files, which are links to 20 files per side',
  )
  console.table(table)
}

/** Reading the last row of a large tensor: as the first thing in a process, and when the code is compiled. */
function lastRow() {
  const file = join(folder, 'prompt.pth')
  makePrompt(file, { vocab: 152_064, positions: 4096 })
  const found = medians({
    'last row': () => node({ variant: 'row', file, warm: 4 }),
    'first in its process': () => node({ variant: 'row', file }),
    ...(python && { 'torch.load': () => torch(1, 'load', file) }),
  })
  rmSync(file)
  console.log('\nthe last row of a prompt of 4,096 tokens, 1.2 GB of float16 in a .pth')
  console.table(
    Object.fromEntries(
      Object.entries(found).map(([name, { us, peak }]) => [
        name,
        { ms: (us / 1000).toFixed(2), 'x as long': Math.round(us / found['last row'].us), 'peak MB': Math.round(peak) },
      ]),
    ),
  )
}

/** Complete `vitest run` processes. */
function runner() {
  const project = makeProject(folder)
  const one = makeDumps(folder, { vocab: 152_064, tokens: 1 })
  const many = makeDumps(folder, { vocab: 152_064, tokens, distinct: 20 })
  addComparison(project, 'one', one)
  addComparison(project, 'many', many)
  const names = { empty: 'an empty test', one: 'one token', many: `${tokens} tokens` }
  for (const name of Object.keys(names)) runProject(project, name)
  const found = medians(Object.fromEntries(Object.keys(names).map((name) => [name, () => runProject(project, name)])))
  console.log('\ncomplete processes of vitest run, V = 152064, the default number of threads')
  console.table(
    Object.fromEntries(
      Object.entries(found).map(([name, { whole, load, compare }]) => [
        names[name],
        {
          'ms, whole process': Math.round(whole),
          'ms over an empty test': Math.round(whole - found.empty.whole),
          'ms, import': rounded(load),
          'ms, comparison': rounded(compare),
        },
      ]),
    ),
  )
}

function rounded(ratio) {
  return Number(ratio.toPrecision(3))
}
