import { type Command, InvalidArgumentError, Option } from 'commander'
import { CALIBRATE_OPTIONS } from '../compare/calibration/calibrate.js'
import type { CompareOptions } from '../compare/options.js'
import type { RunKey } from '../compare/types.js'
import type { LoadDumpOptions } from '../dumps/types.js'
import { OPTIONAL } from '../metrics/optional/table.js'
import { UsageError } from './io.js'

/** An option of the command line: its flag, its help, and how its text becomes a value. */
interface Flag<Key extends string> {
  readonly key: Key
  readonly flag: string
  readonly help: string
  readonly parse?: (text: string) => unknown
}

export function parseNumber(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || Number.isNaN(value)) throw new InvalidArgumentError('expected a number.')
  return value
}

/** A name, or a number where the text is one. */
function numberOrName(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text
}

/** `3`, `0,1,5` or `0-11`; `4-` has no end. */
function steps(text: string): CompareOptions['steps'] {
  const range = /^(\d+)-(\d*)$/.exec(text)
  if (range) return { from: Number(range[1]), ...(range[2] !== '' && { to: Number(range[2]) }) }
  return numbers(text, 'tokens such as 3, 0,1,5 or 0-11')
}

/** `5,17,3:5,17,9`: of the golden and of the dump; one list stands for both. */
function ids(text: string): CompareOptions['tokenIds'] {
  const [golden = [], dump = golden, more] = text.split(':').map((side) => numbers(side, IDS))
  if (more !== undefined) throw new InvalidArgumentError(`expected ${IDS}.`)
  return { golden, dump }
}

const IDS = "the golden's vocab ids and the dump's, such as 5,17,3:5,17,9"

function numbers(text: string, expected: string): number[] {
  const list = text.split(',')
  if (list.every((part) => /^\d+$/.test(part))) return list.map(Number)
  throw new InvalidArgumentError(`expected ${expected}.`)
}

/** `totalVariation=0.01`, added to the limits before it. */
function addLimit(text: string, limits: Readonly<Record<string, number>> = {}): Record<string, number> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('expected a metric and its limit, as in totalVariation=0.01.')
  const name = text.slice(0, at).trim()
  if (Object.hasOwn(limits, name)) throw new InvalidArgumentError(`the limit of ${name} is given twice.`)
  return { ...limits, [name]: parseNumber(text.slice(at + 1)) }
}

function names(text: string): string[] {
  return text === 'all' ? OPTIONAL.map(({ key }) => key) : text.split(',').map((name) => name.trim())
}

type CompareKey = Exclude<keyof CompareOptions, 'thresholds'>
type LoadKey = Exclude<keyof LoadDumpOptions, 'budgets'>

/** A flag for every option, so that none is forgotten. */
type Flags<Key extends string> = { readonly [K in Key]: Omit<Flag<K>, 'key'> }

function listed<Key extends string>(flags: Flags<Key>): Flag<Key>[] {
  return (Object.keys(flags) as Key[]).map((key) => ({ key, ...flags[key] }))
}

/** The options of a comparison except `thresholds`, which have flags of their own. */
const COMPARE = listed<CompareKey>({
  dtype: { flag: '--dtype <name>', help: 'precision that chooses the limits: bf16, fp16 or fp32' },
  metrics: { flag: '--metrics <names>', help: 'more metrics: totalVariation,l1Norm or all', parse: names },
  steps: { flag: '--steps <tokens>', help: 'compare these tokens only: 3, 0,1,5 or 0-11', parse: steps },
  vocabSize: { flag: '--vocab-size <n>', help: 'compare the first n columns only', parse: parseNumber },
  missing: { flag: '--missing <what>', help: 'fail (default) or allow: tokens that the dump lacks' },
  extra: { flag: '--extra <what>', help: 'fail (default) or allow: tokens that the golden lacks' },
  decoding: { flag: '--decoding <how>', help: 'greedy (default), sampled or forced' },
  tokenIds: { flag: '--token-ids <ids>', help: 'the ids that each run chose, golden:dump: 5,17,3:5,17,9', parse: ids },
  afterDivergence: {
    flag: '--after-divergence <what>',
    help: 'auto (default), gate or ignore tokens after a top-1 flip',
  },
  minComparable: { flag: '--min-comparable <n>', help: 'fewer comparable tokens are inconclusive', parse: parseNumber },
  rounding: { flag: '--rounding <rule>', help: 'aware (default) of what the precision does, or reference' },
  calibration: { flag: '--calibration <file>', help: 'measured limits, of golden-logits calibrate' },
  baseline: { flag: '--baseline <path>', help: 'an accepted low-precision run: its errors are the limits' },
  baselineFactor: { flag: '--baseline-factor <m>', help: 'how many times its errors may be', parse: parseNumber },
  model: { flag: '--model <name>', help: 'the model, which must be that of the calibration' },
  device: { flag: '--device <name>', help: 'the device, likewise' },
  tensorParallel: { flag: '--tensor-parallel <n>', help: 'how many processes split it, likewise', parse: parseNumber },
  rule: { flag: '--rule <name>', help: 'logitscmp: the rule of msit llm logitscmp' },
  identical: { flag: '--identical <what>', help: 'allow: both sides may be the same logits, bit for bit' },
  repeatedRows: { flag: '--repeated-rows <what>', help: 'allow: a token may have the logits of the one before' },
  strict: { flag: '--strict', help: 'warnings fail' },
  threads: { flag: '--threads <n>', help: 'number of threads', parse: parseNumber },
})

/** The options of `loadDump`. Each has three flags: for both sides, and with a prefix for one of them. */
const LOAD = listed<LoadKey>({
  run: { flag: '--run <name>', help: 'which run, if there are several, or all' },
  layer: { flag: '--layer <name>', help: 'the layer that emits the logits' },
  firstStep: { flag: '--first-step <n>', help: 'the token of the first step', parse: parseNumber },
  prefill: { flag: '--prefill <execution>', help: 'where a run of ATB or SGLang starts', parse: numberOrName },
  tensor: { flag: '--tensor <name>', help: 'which tensor of a file' },
  positions: { flag: '--positions <which>', help: 'which position of a tensor', parse: numberOrName },
  sequence: { flag: '--sequence <n>', help: 'which sequence of a batch', parse: parseNumber },
  kind: { flag: '--kind <kind>', help: 'what the rows must hold: logits, log-probabilities or known-ids' },
  ranks: { flag: '--ranks <reading>', help: 'split, copies, or the number of one rank', parse: numberOrName },
})

const SIDES = ['', 'golden-', 'dump-', 'baseline-'] as const

/** The limits of each token and of the run: the keys of `thresholds`, and one flag for the limits of optional metrics. */
const LIMITS = listed<'klDivergence' | 'cosineSimilarity' | RunKey | 'limit'>({
  klDivergence: { flag: '--kl-divergence <limit>', help: 'KL divergence must be below (also -kl)', parse: parseNumber },
  cosineSimilarity: {
    flag: '--cosine-similarity <limit>',
    help: 'cosine similarity must be above (also -cs)',
    parse: parseNumber,
  },
  meanKl: { flag: '--mean-kl <limit>', help: 'mean KL divergence of the run must be below', parse: parseNumber },
  p99Kl: { flag: '--p99-kl <limit>', help: '99th percentile of the KL divergence must be below', parse: parseNumber },
  top1Agreement: {
    flag: '--top1-agreement <limit>',
    help: 'share of tokens with the same top-1 must be above',
    parse: parseNumber,
  },
  limit: {
    flag: '--limit <metric=limit>',
    help: 'a limit of one of the --metrics: totalVariation=0.01 (repeatable)',
    parse: addLimit,
  },
})

export function addLimitOptions(command: Command): void {
  for (const { flag, help, parse } of LIMITS) command.addOption(optionOf(flag, help, parse))
}

/** The flags of a comparison of logits that were given, such as `--steps` of `--steps <tokens>`. */
export function compareFlagsIn(values: Readonly<Record<string, unknown>>): string[] {
  return [...COMPARE, ...LIMITS].filter(({ key }) => values[key] !== undefined).map(({ flag }) => flag.split(' ')[0]!)
}

/** @param without options that the command has no use for */
export function addCompareOptions(command: Command, without: readonly CompareKey[] = []): void {
  for (const { key, flag, help, parse } of COMPARE) {
    if (!without.includes(key)) command.addOption(optionOf(flag, help, parse))
  }
}

export function addLoadOptions(command: Command, sides: readonly (typeof SIDES)[number][] = SIDES): void {
  for (const { flag, help, parse } of LOAD) {
    for (const side of sides) {
      const option = optionOf(flag.replace('--', `--${side}`), help, parse)
      command.addOption(side === '' ? option : option.hideHelp())
    }
  }
}

function optionOf(flag: string, help: string, parse: ((text: string) => unknown) | undefined): Option {
  const option = new Option(flag, help)
  return parse ? option.argParser(parse) : option
}

/** The options of `calibrate`: of a comparison, and what the dumps come from. */
const CALIBRATE = COMPARE.filter(({ key }) => (CALIBRATE_OPTIONS as readonly string[]).includes(key))

export function addCalibrateOptions(command: Command): void {
  for (const { key, flag, help, parse } of CALIBRATE) command.addOption(optionOf(flag, KEY_HELP[key] ?? help, parse))
}

/** These say what the calibration is for. */
const KEY_HELP: Readonly<Record<string, string>> = {
  model: 'the model, a part of the key',
  device: 'the device, a part of the key',
  tensorParallel: 'how many processes split the model, a part of the key',
}

export function calibrateOptionsOf(values: Readonly<Record<string, unknown>>): object {
  return pick(values, CALIBRATE, '')
}

/** The options that were given. What they hold is checked where they are used. */
export function compareOptionsOf(values: Readonly<Record<string, unknown>>): CompareOptions {
  const { limit = {}, ...limits } = pick(values, LIMITS, '') as { readonly limit?: object }
  const twice = Object.keys(limits).find((name) => Object.hasOwn(limit, name))
  if (twice !== undefined) throw new UsageError(`the limit of ${twice} is given twice: by its own flag and by --limit`)
  const thresholds = { ...limits, ...limit }
  return { ...pick(values, COMPARE, ''), ...(Object.keys(thresholds).length > 0 && { thresholds }) } as CompareOptions
}

/** The options for one side: its own flags come before the flags for both sides. */
export function loadOptionsOf(
  values: Readonly<Record<string, unknown>>,
  side: 'golden' | 'dump' | 'baseline',
): LoadDumpOptions {
  return { ...pick(values, LOAD, ''), ...pick(values, LOAD, side) }
}

function pick(values: Readonly<Record<string, unknown>>, flags: readonly Flag<string>[], prefix: string): object {
  const entries = flags.flatMap(({ key }) => {
    const name = prefix === '' ? key : `${prefix}${key[0]!.toUpperCase()}${key.slice(1)}`
    return values[name] === undefined ? [] : [[key, values[name]]]
  })
  return Object.fromEntries(entries)
}
