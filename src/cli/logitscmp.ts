import { realpathSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { compareListed } from '../compare/compare-dumps.js'
import { type CompareOptions, checkOptions } from '../compare/options.js'
import { expand } from '../dumps/expand.js'
import { loadDump } from '../dumps/load.js'
import { GoldenLogitsError, printable } from '../errors.js'
import { kindOf, listFolder } from '../io/folder.js'
import { compareNames } from '../io/name-order.js'
import { counted } from '../lib/number-text.js'
import { FRACTION_BITS, type Precision } from '../metrics/precision.js'
import { csvLine, floatCell, textCell } from '../report/csv.js'
import { publishLines } from '../reporters/publish.js'
import { fromHere } from '../reporters/summary.js'
import { timestamp } from '../reporters/target.js'
import { parseNumber } from './compare-options.js'
import { type CommandIo, UsageError } from './io.js'

/** The columns of `msit llm logitscmp`, in its order. */
const COLUMNS = [
  'file_name',
  'key',
  'token_id',
  'cosine_similarity',
  'kl_divergence',
  'l1_norm',
  'ulp_max_diff',
  'ulp',
  'passed',
  'cmp_fail_reason',
] as const

type Row = Readonly<Partial<Record<(typeof COLUMNS)[number], string | number>>> & {
  readonly file_name: string
  readonly isUnreadable?: boolean
}

interface Limits {
  readonly klDivergence: number
  readonly cosineSimilarity: number
  readonly l1Norm: number
  readonly dtype: Precision
}

/** Adds the command `logitscmp`. */
export function addLogitscmp(program: Command, { say, exit }: CommandIo): void {
  program
    .command('logitscmp')
    .summary('compares two flat folders of .pth files by the rule of msit llm logitscmp')
    .description(
      'Compares files of the same name in two folders. A file passes if its cosine similarity, KL divergence and L1 norm are within the limits, or if the maxima are within one ULP of each other at the same vocab id.',
    )
    .requiredOption('--golden-path <path...>', 'the trusted folder, or several paths of folders and files (also -gp)')
    .requiredOption('--my-path <path...>', 'the tested side, likewise (also -mp)')
    .option('--cosine-similarity <limit>', 'must be above (also -cs)', parseNumber, 0.999)
    .option('--kl-divergence <limit>', 'must be below (also -kl)', parseNumber, 0.0001)
    .option('--l1-norm <limit>', 'its magnitude must be below (also -l1)', parseNumber, 0.01)
    .option('-d, --dtype <name>', 'precision of the ULP: fp16, bf16 or fp32', 'fp16')
    .option('-o, --output-dir <folder>', 'where logits_cmp_res_{time}.csv is written', './output')
    .addHelpText(
      'after',
      '\nExit codes: 0 every file passes, 1 a file fails or is on one side only, 2 wrong usage, 3 unreadable.\n',
    )
    .action((values: Limits & { goldenPath: string[]; myPath: string[]; outputDir: string }) => {
      if (!Object.hasOwn(FRACTION_BITS, values.dtype))
        throw new UsageError(`--dtype must be fp16, bf16 or fp32, not ${values.dtype}`)
      checkOptions(optionsOf(values))
      const [golden, my] = [filesAt(values.goldenPath), filesAt(values.myPath)]
      const rows = compareFiles(golden, my, values.myPath[0]!, values)
      const same = [...my].filter(([name, file]) => isSameFile(golden.get(name), file)).length
      if (same > 0)
        say(`warning: ${counted(same, 'file')} of the tested side ${same === 1 ? 'is' : 'are'} the golden itself`)
      const lines = [csvLine(COLUMNS), ...rows.map((row) => csvLine(COLUMNS.map((name) => cell(row[name]))))]
      const path = writeNew(resolve(values.outputDir), lines)
      const failed = rows.filter(({ passed }) => passed !== 'True').length
      say(`${fromHere(path)} (${counted(rows.length, 'file')}, ${failed} not passed)`)
      // Files that could not be read decide only if no other file fails.
      const isSettled = ({ passed, isUnreadable }: Row) => passed === 'True' || isUnreadable === true
      exit(failed === 0 ? 0 : rows.every(isSettled) ? 3 : 1)
    })
}

/** A file of this second; a second one in it gets a number. */
function writeNew(folder: string, lines: readonly string[]): string {
  const time = timestamp(new Date())
  for (let n = 1; ; n++) {
    const path = join(folder, `logits_cmp_res_${time}${n === 1 ? '' : `_${n}`}.csv`)
    if (publishLines({ path, replace: false }, lines)) return path
  }
}

/** The rows in the order of the old tool: by case and token, other files last. */
function compareFiles(goldenFiles: Files, myFiles: Files, path: string, limits: Limits): Row[] {
  const common = [...goldenFiles.keys()].filter((name) => myFiles.has(name))
  if (common.length === 0) {
    const counts = `${counted(goldenFiles.size, '.pth file')} of the golden and ${counted(myFiles.size, '.pth file')} of the tested side`
    const advice = 'files are paired by their names, in the folders themselves; golden-logits compare reads any dump'
    const message = `${counts}: no two have the same name; ${advice}`
    throw new GoldenLogitsError('nothing-to-compare', message, { file: path })
  }
  const compared = (name: string) => compareFile(goldenFiles.get(name)!, myFiles.get(name)!, name, limits)
  const rows = common.map((name) => ({ place: placeOf(name), row: compared(name) }))
  const sorted = rows.sort((a, b) => byPlace(a.place, b.place)).map(({ row }) => row)
  const alone = (names: Files, others: Files, reason: string) =>
    [...names.keys()]
      .filter((name) => !others.has(name))
      .map((name): Row => ({ file_name: name, cmp_fail_reason: reason }))
  return [
    ...sorted,
    ...alone(goldenFiles, myFiles, 'only_in_golden_path'),
    ...alone(myFiles, goldenFiles, 'only_in_my_path'),
  ]
}

function isSameFile(golden: string | undefined, my: string): boolean {
  if (golden === undefined || kindOf(golden) !== 'file' || kindOf(my) !== 'file') return false
  return realpathSync(golden) === realpathSync(my)
}

/** The .pth files of one side, by their names. */
type Files = ReadonlyMap<string, string>

/**
 * The files at paths of folders and files, or patterns of them.
 * @throws GoldenLogitsError `invalid-argument` for two files of one name, because files are paired by their names
 */
function filesAt(paths: readonly string[]): Files {
  const files = new Map<string, string>()
  for (const file of paths.flatMap(filesOf).sort((a, b) => compareNames(basename(a), basename(b)))) {
    const name = basename(file)
    const other = files.get(name)
    if (other !== undefined && resolve(other) !== resolve(file)) {
      const message = `logitscmp pairs files by their names, and ${printable(other, 300)} has the same name; golden-logits compare --rule logitscmp pairs the tokens of two dumps`
      throw new GoldenLogitsError('invalid-argument', message, { file })
    }
    files.set(name, file)
  }
  return files
}

function filesOf(path: string): string[] {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (!stats) return expand(path).flatMap(filesOf)
  if (stats.isFile() && path.endsWith('.pth')) return [path]
  if (!stats.isDirectory()) {
    throw new GoldenLogitsError('unsupported-format', 'logitscmp reads folders and .pth files', { file: path })
  }
  return listFolder(path)
    .filter(({ name }) => name.endsWith('.pth'))
    .map(({ name }) => join(path, name))
}

/** The case and the token of a file, from its name: the language, if it names one, belongs to the case. */
interface Place {
  readonly language: string
  readonly key: number
  readonly token: number
}

const LANGUAGES = ['cpp', 'go', 'java', 'js', 'python']

function placeOf(name: string): Place | undefined {
  const parts = name.replace(/\.pth$/, '').split('_')
  const language = parts.findLast((part) => LANGUAGES.includes(part)) ?? ''
  const numbers = parts.filter((part) => /^\d+$/.test(part)).map(Number)
  const isLast = parts.slice(-2).every((part) => /^\d+$/.test(part))
  if (numbers.length < 2 || (language === '' && !isLast)) return undefined
  return { language, key: numbers.at(-2)!, token: numbers.at(-1)! }
}

function byPlace(a: Place | undefined, b: Place | undefined): number {
  if (!a || !b) return Number(!a) - Number(!b)
  return a.language.localeCompare(b.language) || a.key - b.key || a.token - b.token
}

function compareFile(goldenFile: string, myFile: string, name: string, limits: Limits): Row {
  const place = placeOf(name)
  if (!place) return { file_name: name, cmp_fail_reason: 'parse_error:the name does not end in a case and a token' }
  const key = place.language === '' ? place.key : `${place.language}/${place.key}`
  const named = { file_name: name, key: String(key), token_id: String(place.token) }
  let results: Results
  try {
    results = resultsOf(goldenFile, myFile, limits)
  } catch (error) {
    if (!(error instanceof GoldenLogitsError)) throw error
    return { ...named, cmp_fail_reason: error.message, isUnreadable: true }
  }
  return { ...named, ...results }
}

type Results = Omit<Row, 'file_name'>

function optionsOf({ dtype, klDivergence, cosineSimilarity, l1Norm }: Limits): CompareOptions {
  return { rule: 'logitscmp', dtype, thresholds: { klDivergence, cosineSimilarity, l1Norm } }
}

/** @throws GoldenLogitsError for a file that cannot be read */
function resultsOf(goldenFile: string, myFile: string, limits: Limits): Results {
  const { tokens } = compareListed(loadDump(myFile), loadDump(goldenFile), optionsOf(limits))
  const { metrics, verdict, reason, pass, golden, dump } = tokens.at(0)!
  if (metrics?.cosineSimilarity === undefined) {
    // Of equal shapes, another reason says more than the words of the old tool.
    const differ = verdict === 'shape-mismatch' && `${golden?.shape}` !== `${dump?.shape}`
    return { cmp_fail_reason: differ ? OLD_SHAPE_REASON : reason, isUnreadable: verdict === 'unreadable' }
  }
  const { cosineSimilarity, klDivergence, l1Norm = Number.NaN, ulpMaxDiff = Number.NaN, ulp } = metrics
  return {
    cosine_similarity: cosineSimilarity,
    kl_divergence: klDivergence,
    l1_norm: l1Norm,
    ulp_max_diff: ulpMaxDiff,
    // The old tool computes none for a maximum of 0.
    ...(ulp !== undefined && { ulp }),
    passed: pass ? 'True' : 'False',
    cmp_fail_reason: '',
  }
}

/** What the old tool says of two shapes. */
const OLD_SHAPE_REASON = "data shape doesn't match."

function cell(value: string | number | undefined): string {
  if (value === undefined) return 'NA'
  return typeof value === 'number' ? floatCell(value) : textCell(value)
}
