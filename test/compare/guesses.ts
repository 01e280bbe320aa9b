import { linkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { CompareOptions } from '../../src/compare/options.js'
import {
  type Comparison,
  compareDumps,
  type Dump,
  type LoadDumpOptions,
  type LogitsOptions,
  loadDump,
  logitsOf,
} from '../../src/index.js'
import { kl } from '../build/kl.js'
import { kldBytes } from '../build/kld.js'
import { atb, logits, pth, rawOf, type Tensor } from '../build/logits.js'
import { atbDump, type Step, torchDump } from '../build/pair.js'
import { writeTree } from '../build/tree.js'
import { noisyPair } from '../fixtures/noise.js'
import { npy, safetensors } from '../formats/build/arrays.js'

export const row = (seed: number): Tensor => ({ values: logits(seed) })
export const ROWS = [0, 1, 2].map(row)

/** Writes an ATB dump: the logits of each layer by `{execution}/{layer}`. @returns its path */
export function heads(rows: Readonly<Record<string, Tensor>>, beside: Readonly<Record<string, string>> = {}): string {
  const files = Object.entries(rows).map(([place, tensor]) => [
    `msit_dump_20250301_101500/tensors/0_7/${place}/after/outtensor0.bin`,
    atb(tensor),
  ])
  const others = Object.entries(beside).map(([path, text]) => [`msit_dump_20250301_101500/${path}`, text])
  return join(writeTree(Object.fromEntries([...files, ...others])), 'msit_dump_20250301_101500')
}

const GRAPH = { 'model/7/M.json': '{ "opName": "LmHead_33" }, { "opName": "LmHead_67" }' }

/** Writes a folder of SGLang's dumper: the logits of each forward pass, and the ids that it read. @returns its path */
export function passes(
  list: readonly { seed: number; ids?: readonly number[]; at?: readonly number[] }[],
  first = 0,
): string {
  const ints = (values: readonly number[]) => pth({ values, shape: [values.length], dtype: 'int64' })
  const files = list.flatMap(({ seed, ids, at }, i) => {
    const name = (value: string) => `step=${first + i}___rank=0___dump_index=${i}___name=${value}.pt`
    const inputs = [...(ids ? [[name('input_ids'), ints(ids)]] : []), ...(at ? [[name('positions'), ints(at)]] : [])]
    return [...inputs, [name('next_token_logits'), pth(row(seed))]]
  })
  return writeTree(Object.fromEntries(files))
}

/** Writes a folder of the model debugger of transformers, whose last forward pass read one token. @returns its path */
function debuggerFolder(): string {
  const { values } = row(0)
  const file = (dtype: string, shape: readonly number[], bytes: Uint8Array) =>
    safetensors({ data: { dtype, shape, data_offsets: [0, bytes.length] } }, bytes)
  return writeTree({
    'A_debug_tree_SUMMARY.json': '{}',
    'A_inputs_kwargs_input_ids.safetensors': file('I64', [1, 1], rawOf([5], 'int64')),
    'A_outputs_logits.safetensors': file('F32', [1, 1, values.length], rawOf(values, 'float32')),
  })
}

/** A path, or what makes a dump of logits in memory. */
type Opened = string | ((options: LogitsOptions) => Dump)

export interface Case {
  dump: Opened
  golden?: Opened
  options?: CompareOptions
  load?: LoadDumpOptions
  loadGolden?: LoadDumpOptions
}

export function compare({
  dump,
  golden = torchDump(ROWS),
  options = {},
  load = {},
  loadGolden = {},
}: Case): Comparison {
  const open = (side: Opened, given: LoadDumpOptions) =>
    typeof side === 'string' ? loadDump(side, given) : side(given as LogitsOptions)
  return compareDumps(open(dump, load), open(golden, loadGolden), { dtype: 'bf16', identical: 'allow', ...options })
}

/** What is guessed, and its warning: one row for each warning of a comparison. */
export const GUESSES: readonly [name: string, guess: Case, text: RegExp][] = [
  (() => {
    const dump = heads({ '0/33_LmHead': row(9), '1/33_LmHead': row(0), '1/67_LmHead': row(1), '2/67_LmHead': row(2) })
    const text = /^dump: execution 0 taken for a warm-up: .*; if that is right, set loadDump's option prefill: 'last'$/
    return ['a warm-up', { dump }, text]
  })(),
  (() => {
    const dump = passes([
      { seed: 9, ids: [1, 2] },
      { seed: 0, ids: [1, 2] },
      { seed: 1, ids: [3] },
      { seed: 2, ids: [4] },
    ])
    const text =
      /^dump: the run is taken to begin at forward pass 1, .*; if that is right, set loadDump's option prefill: 'last'$/
    return ["a warm-up in SGLang's dumper", { dump }, text]
  })(),
  (() => {
    const dump = passes([
      { seed: 0, ids: [1, 2], at: [0, 1] },
      { seed: 1, ids: [3, 4], at: [2, 3] },
      { seed: 2, ids: [4], at: [4] },
    ])
    const text =
      /^dump: forward pass 1 reads several tokens .*; if that is right, set loadDump's option prefill: 0; .*$/
    return ["several tokens in a later pass of SGLang's dumper", { dump }, text]
  })(),
  (() => {
    const dump = passes([{ seed: 0 }, { seed: 1 }, { seed: 2 }], 5)
    const text = /^dump: the dump begins at forward pass 5, .*; if that is right, set loadDump's option prefill: 5, .*$/
    return ["no inputs in SGLang's dumper", { dump }, text]
  })(),
  (() => {
    const dump = debuggerFolder()
    const options = { steps: [0] }
    const text =
      /^dump: the debugger keeps the last forward pass alone, .*; if that is right, set loadDump's option firstStep: 0, .*$/
    return ['the last pass of generate', { dump, options }, text]
  })(),
  (() => {
    const dump = heads({ '0/67_LmHead': row(1), '1/67_LmHead': row(2) }, GRAPH)
    const options = { steps: { from: 1 } }
    const text =
      /^dump: only the decoder's head 67 was dumped: .*; if that is right, set loadDump's option firstStep: 1; .*$/
    return ["the decoder's head alone", { dump, options }, text]
  })(),
  (() => {
    const dump = heads({ '0/33_LmHead': row(9), '1/33_LmHead': row(0) }, GRAPH)
    const options = { steps: [0] }
    const text = /^dump: only the prefill head 33 .*; if that is right, set loadDump's option prefill: 'last'$/
    return ['the prefill head alone', { dump, options }, text]
  })(),
  (() => {
    const tree = writeTree({ 'torch_tensors/cuda0_1/0/lm_head/output_1.pth': pth(row(0)) })
    const options = { steps: [0] }
    const text = /^dump: no first output in folder 0: .*; if that is right, name these files in the path or pattern$/
    return ['a later output', { dump: tree, options }, text]
  })(),
  (() => {
    const run = heads({ '0/33_LmHead': row(0), '1/33_LmHead': row(9), '1/67_LmHead': row(9) })
    const dump = join(run, 'tensors/0_7/0/33_LmHead/after/outtensor0.bin')
    const options = { steps: [0] }
    const text = /^dump: outtensor0.bin is not a step of its run .*; if that is right, set loadDump's option firstStep/
    return ['a file beside the run', { dump, options }, text]
  })(),
  (() => {
    const dump = atbDump([null, row(1), row(2)])
    const text = /^the steps do not line up, and the steps of the dump are assumed .* option firstStep: 1; .*$/
    const options: CompareOptions = { missing: 'allow' }
    return ['steps that do not line up', { dump, options }, text]
  })(),
  (() => {
    const text = /^tokens 0, 1 and 2: golden and dump are the same file$|^tokens 0 to 2: golden and dump/
    const golden = torchDump(ROWS)
    const guess: Case = { dump: golden, golden, options: { identical: 'warn' } }
    return ['the same files on both sides', guess, text]
  })(),
  (() => {
    const golden = torchDump(ROWS)
    const dump = torchDump([row(7), row(8), row(9)])
    const files = [0, 1, 2].map((step) => `torch_tensors/cuda0_1/${step}/root.lm_head/output.pth`)
    for (const file of files) {
      rmSync(join(dump, file))
      linkSync(join(golden, file), join(dump, file))
    }
    const text =
      /^tokens 0 to 2: golden and dump are the same file, by links; if that is right, set identical: 'allow'$/
    return ['links to the same files', { dump, golden, options: { identical: 'warn' } }, text]
  })(),
  (() => {
    const text = /^all 3 tokens have the same logits on both sides, bit for bit: .*, set identical: 'allow'$/
    const dump = atbDump(ROWS)
    return ['a copy of the golden', { dump, options: { identical: 'warn' } }, text]
  })(),
  (() => {
    const frozen = [row(0), row(1), row(1), row(1)]
    const [dump, golden] = [torchDump(frozen), torchDump(frozen)]
    const text = /^dump: tokens 2 and 3 repeat the logits of the token before, .*, set repeatedRows: 'allow'$/
    return ['a frozen dump', { dump, golden }, text]
  })(),
  (() => {
    const holes = [row(0), null, row(2)]
    const guess = { dump: atbDump(holes), golden: torchDump(holes) }
    const text = /^neither side has token 1; if that is right, list the tokens to compare in the option steps$/
    return ['a gap on both sides', guess, text]
  })(),
  (() => {
    const dump = torchDump([row(0)])
    const text =
      /^tokens 1 and 2 are missing, excused by missing: 'allow', which are 2 of 3 tokens; if that is right, .* option steps$/
    return ['missing tokens', { dump, options: { missing: 'allow' } }, text]
  })(),
  (() => {
    const guess = { dump: atbDump(ROWS), options: { steps: { from: 1, to: 9 } } }
    const text =
      /^the option steps ends at token 9, but neither side has a token after 2; if that is right, set steps: { from: 1, to: 2 }$/
    return ['a range that ends beyond both sides', guess, text]
  })(),
  (() => {
    const late = [null, null, row(2), row(3)]
    const guess = { dump: torchDump(late), golden: torchDump(late), options: { steps: { from: 1, to: 3 } } }
    const text = /^neither side has token 1; if that is right, list the tokens to compare in the option steps$/
    return ['a range that begins before both sides', guess, text]
  })(),
  (() => {
    const files = (path: string, name: string) => join(path, 'torch_tensors/cuda0_1', name, 'root.lm_head/output.pth')
    const golden = files(torchDump([row(1)]), '0')
    const dump = files(torchDump([null, row(1)]), '1')
    const text =
      /^two files were named, .*: golden token 0 with dump token 1; if that is right, give both the same number/
    return ['two files of different steps', { dump, golden }, text]
  })(),
  (() => {
    const dump = writeTree(
      Object.fromEntries(ROWS.map((tensor, step) => [`torch_tensors/cuda0_1/${step}/head/output.pth`, pth(tensor)])),
    )
    const text =
      /^dump: the dump has no other layer than head, .*; if that is right, set loadDump's option layer: 'head'$/
    return ['a layer without the name of a head', { dump }, text]
  })(),
  (() => {
    const dump = heads({ '0/3_Linear': row(0), '0/9_Linear': row(1), '1/9_Linear': row(2) })
    const text =
      /^dump: the dump has no other layer than Linear, .*; if that is right, set loadDump's option layer: 'Linear'$/
    return ['ATB layers without the name of a head', { dump }, text]
  })(),
  (() => {
    const write = () => {
      const values = ROWS.flatMap((tensor) => tensor.values)
      const shape = `(${ROWS.length}, ${values.length / ROWS.length})`
      return join(writeTree({ 'run.npy': npy(rawOf(values, 'float32'), { shape }) }), 'run.npy')
    }
    const guess = { dump: write(), golden: write(), options: { decoding: 'greedy' } } as const
    const text = /^dump: 3 rows in the file are taken for the tokens of a run, .*; if that is right, load it with/
    return ['rows of a file as steps', guess, text]
  })(),
  (() => {
    const write = (noise: number) => {
      const rows = [0, 1, 2, 3].map((step) => [step, 3, 2, 1, 0.5 + noise])
      const bytes = kldBytes({ contextLength: 10, tokens: Array.from({ length: 10 }, (_, i) => i % 5), rows })
      return join(writeTree({ 'base.kld': bytes }), 'base.kld')
    }
    const [dump, golden] = [write(0.001), write(0)]
    const text = /^log-probabilities do not show the precision .*; if that is right, set dtype: 'fp16'$/
    const guess: Case = { dump, golden, options: { dtype: undefined } as CompareOptions }
    return ['base files of llama.cpp', guess, text]
  })(),
  (() => {
    // Of the golden, e^−0.2 is on id 3 and the same on each of the other ids.
    const golden = torchDump([
      { values: [0, 1, 2, 3, 4, 5, 6, 7].map((id) => (id === 3 ? -0.2 : Math.log((1 - Math.exp(-0.2)) / 7))) },
    ])
    const bytes = Buffer.from(JSON.stringify({ completion_probabilities: [{ id: 3, logprob: -0.21 }] }))
    const dump = join(writeTree({ 'answer.json': bytes }), 'answer.json')
    const text =
      /^of 1 token only some vocab ids are known .*; if that is right, set loadDump's option kind: 'known-ids'$/
    return ['answers of servers', { dump, golden, options: { thresholds: { totalVariation: 0.5 } } }, text]
  })(),
  (() => {
    const dump = torchDump([...ROWS, row(3)])
    const text = /^token 3 is extra, excused by extra: 'allow'; if that is right, .* option steps$/
    return ['extra tokens', { dump, options: { extra: 'allow' } }, text]
  })(),
  (() => {
    const tie = (first: number, second: number): Step => ({ values: [first, second, 0, 0, 0, 0, 0, 0] })
    const golden = torchDump([row(0), tie(5, 5), row(2)])
    const dump = torchDump([row(0), tie(5, 5.0005), row(9)])
    const options: CompareOptions = { afterDivergence: 'ignore' }
    const text =
      /^top-1 differs at token 1: 1 failing token is excused after it .*; if that is right, set steps: { to: 1 }$/
    return ['tokens after a divergence', { dump, golden, options }, text]
  })(),
  (() => {
    const tie = (first: number, second: number): Step => ({ values: [first, second, 0, 0, 0, 0, 0, 0] })
    const golden = torchDump([row(0), row(1), row(2), tie(5, 5), row(3)])
    const dump = torchDump([row(0), row(1), row(2), tie(5, 5.0005), row(9)])
    const text =
      /^top-1 is a near-tie at token 3, where .*: 1 later token is not comparable, 4 of 5 are judged; if that is right, set decoding: 'greedy'/
    return ['tokens after a near-tie', { dump, golden }, text]
  })(),
  (() => {
    // One row of many is as noisy as bf16 makes one in a hundred.
    const pairs = [0, 1, 2, 3].map((seed) => noisyPair(seed, seed === 3 ? 0.05 : 0.01))
    const golden = torchDump(pairs.map((pair) => ({ values: pair.golden })))
    const dump = torchDump(pairs.map((pair) => ({ values: pair.dump, dtype: 'bfloat16' as const })))
    const text =
      /^token 3 is over a reference limit, within the rounding of bf16: .*; if that is right, set rounding: 'aware'$/
    return ['a token within rounding', { dump, golden }, text]
  })(),
  (() => {
    const pairs = Array.from({ length: 12 }, (_, seed) => noisyPair(seed, 0.001, 12, 1.02))
    const golden = torchDump(pairs.map((pair) => ({ values: pair.golden })))
    const dump = torchDump(pairs.map((pair) => ({ values: pair.dump, dtype: 'bfloat16' as const })))
    const text = /^the dump's logits deviate 1\.02\d* times .*; if that is right, set the limits .* option thresholds$/
    return ['a factor on all logits', { dump, golden }, text]
  })(),
  (() => {
    const rows = (seeds: readonly number[]) =>
      seeds.map((seed) => ({ data: Float32Array.from(logits(seed)), dims: [1, 8] }))
    const dump = (given: LogitsOptions) => logitsOf(rows([1, 2]), given)
    const text = /^the steps do not line up, .* set logitsOf's option firstStep: 0; if it is wrong, the right number$/
    const golden = (given: LogitsOptions) => logitsOf(rows([1, 2, 3]), { firstStep: 0, ...given })
    return ['logits in memory that do not line up', { dump, golden, options: { missing: 'allow' } }, text]
  })(),
  (() => {
    const data = Float32Array.from(logits(1))
    const memory = (given: LogitsOptions) => logitsOf({ data, dims: [1, 8] }, given)
    const text = /^token 0: golden and dump are the same memory; if that is right, set identical: 'allow'$/
    return ['the same memory on both sides', { dump: memory, golden: memory, options: { identical: 'warn' } }, text]
  })(),
  (() => {
    const golden = heads({ '0/33_LmHead': row(9), '1/33_LmHead': row(0), '1/67_LmHead': row(1), '2/67_LmHead': row(2) })
    const text =
      /^golden: execution 0 taken for a warm-up: .*; if that is right, set loadDump's option prefill: 'last'$/
    return ['a warm-up of the golden', { dump: torchDump(ROWS), golden }, text]
  })(),
  (() => {
    const [golden, dump] = [torchDump([row(0), row(1), row(1)]), torchDump([row(0), row(1), row(1)])]
    const text = /^golden: token 2 repeats the logits of the token before, .*, set repeatedRows: 'allow'$/
    return ['a frozen golden', { dump, golden }, text]
  })(),
  (() => {
    const transposed = (change: number) => {
      const values = Array.from({ length: 300 }, (_, seed) => logits(seed, 5).map((value) => value * change)).flat()
      return join(writeTree({ 'logits.npy': npy(rawOf(values, 'float32'), { shape: '(300, 5)' }) }), 'logits.npy')
    }
    const text =
      /^the golden's tensor \[300, 5\] has more rows than columns: it may be transposed, .*; if that is right, set vocabSize: 5$/
    const load = { positions: 'steps' } as const
    const paths = { dump: transposed(1 + 2e-5), golden: transposed(1) }
    return ['few columns and many rows', { ...paths, load, loadGolden: load }, text]
  })(),
  noisy(
    'a run that is noisier than its precision makes',
    { spread: 0.035, count: 12 },
    /^median relative spread .*; if/,
  ),
  noisy(
    'a factor on the logits of one token',
    { spread: 0.001, count: 4, factor: (seed) => (seed === 3 ? 1.02 : 1) },
    /^token 3 has a ratio of standard deviations more than 0\.015625 from 1: .*; if that is right, set the limits/,
  ),
  noisy(
    'damage in the most probable ids of all tokens',
    { spread: 0.004, count: 12, raise: 0.12 },
    /^the KL divergence of 12 tokens is \S+ times what bf16 does at these logits, above 3: .*; if that is right, set/,
  ),
  noisy(
    'a limit on the run that is kept by less than its error',
    { spread: 0.01, count: 12, options: (meanKl) => ({ decoding: 'forced', thresholds: { meanKl: 1.01 * meanKl } }) },
    /^mean KL divergence .* by less than 2 standard errors, .*; if that is right, compare longer runs, or set/,
  ),
]

interface Noisy {
  /** The noise of a row, in standard deviations of its logits. */
  spread: number
  count: number
  factor?: (seed: number) => number
  /** Added to the golden's top-1 in the dump. */
  raise?: number
  options?: (meanKl: number) => CompareOptions
}

/** A float32 golden and a bfloat16 dump of the same text. */
function noisy(
  name: string,
  { spread, count, factor = () => 1, raise = 0, options }: Noisy,
  text: RegExp,
): [string, Case, RegExp] {
  const pairs = Array.from({ length: count }, (_, seed) => noisyPair(seed, spread, 12, factor(seed)))
  const golden = torchDump(pairs.map((pair) => ({ values: pair.golden })))
  const raised = pairs.map(({ dump }) => dump.with(7, dump[7]! + raise))
  const dump = torchDump(raised.map((values) => ({ values, dtype: 'bfloat16' as const })))
  const meanKl = pairs.reduce((sum, pair, i) => sum + kl(pair.golden, raised[i]!), 0) / count
  return [name, { dump, golden, ...(options && { options: options(meanKl) }) }, text]
}

type Follow = (match: RegExpExecArray, next: Required<Case>, found: Comparison) => void

const sideIn = ({ input }: RegExpExecArray, next: Required<Case>): LoadDumpOptions =>
  /^golden: |those of the golden/.test(input) ? next.loadGolden : next.load

/** What warnings advise, and how to follow it. */
const ADVICE: readonly (readonly [advice: RegExp, follow: Follow])[] = [
  [
    /set (?:loadDump|logitsOf)'s option (\w+): (?:'([^']*)'|(\d+))/,
    (match, next) => Object.assign(sideIn(match, next), { [match[1]!]: match[2] ?? Number(match[3]) }),
  ],
  [
    /load it with the option positions: 'steps'/,
    (match, next) => Object.assign(sideIn(match, next), { positions: 'steps' }),
  ],
  [
    /give both the same number by loadDump's option firstStep/,
    (_, { load, loadGolden }, { tokens }) => {
      load.firstStep = loadGolden.firstStep = tokens[0]!.step
    },
  ],
  [
    /name these files in the path or pattern/,
    (_, next, { tokens }) => {
      next.dump = tokens[0]!.dump!.files[0]!.replace(/\/\d+(?=\/[^/]+\/[^/]+$)/, '/*')
    },
  ],
  [/set vocabSize: (\d+)$/, ([, columns], { options }) => Object.assign(options, { vocabSize: Number(columns) })],
  [
    /set (identical|repeatedRows|rounding|decoding|dtype): '(\w+)'/,
    ([, name, value], { options }) => Object.assign(options, { [name!]: value }),
  ],
  [
    /set steps: \{ (?:from: (\d+), )?to: (\d+) \}/,
    ([, from, to], { options }) => {
      options.steps = { ...(from && { from: Number(from) }), to: Number(to) }
    },
  ],
  [
    /(?:leave out these tokens by|list the tokens to compare in) the option steps/,
    (_, { options }, { tokens }) => {
      options.steps = tokens.filter(({ verdict }) => verdict === 'pass').map(({ step }) => step)
    },
  ],
  [
    /set the limits that you accept by the option thresholds/,
    (_, { options }, { thresholds: { klDivergence, cosineSimilarity } }) => {
      options.thresholds = { klDivergence, cosineSimilarity }
    },
  ],
  [
    /set thresholds\.(\w+) beyond (\S+)$/,
    ([, key, edge], { options }) => {
      options.thresholds = { ...options.thresholds, [key!]: 1.001 * Number(edge) }
    },
  ],
]

/** The comparison with all that its warnings advise if they are right. */
export function settled(guess: Case, found: Comparison): Case {
  const { dump, golden = torchDump(ROWS), options, load, loadGolden } = guess
  const next = { dump, golden, options: { ...options }, load: { ...load }, loadGolden: { ...loadGolden } }
  for (const warning of found.warnings) {
    const advice = ADVICE.find(([pattern]) => pattern.test(warning))
    if (!advice) throw new Error(`the warning names no option: ${warning}`)
    advice[1](advice[0].exec(warning)!, next, found)
  }
  return next
}
