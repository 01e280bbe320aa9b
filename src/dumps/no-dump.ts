import { basename, extname, resolve } from 'node:path'
import { GoldenLogitsError, printable } from '../errors.js'
import { READABLE_FORMATS, readableFormat, TENSOR_EXTENSIONS } from '../formats/index.js'
import { type ByteSource, readBytes } from '../io/byte-source.js'
import { withFile } from '../io/file-source.js'
import { kindOf, listNames, tryListFolder } from '../io/folder.js'
import { splitAtNumber } from '../io/numbered-text.js'
import { firstItems, type List } from '../lib/lazy-list.js'
import { tryRead } from '../lib/try-read.js'
import { fileRuns } from './file-runs.js'
import { isTensorFile, parseFlat } from './layouts/flat/names.js'
import { LAYOUTS } from './layouts/index.js'
import { type FileRun, STATISTICS_ADVICE, STATISTICS_NAME } from './layouts/layout.js'
import { locate } from './locate.js'
import type { IgnoredPath } from './types.js'

/** How to get tensors out of files of other tools, by the extension of the file. `FILE` and `OUT` stand for names. */
const ADVICE: Readonly<Record<string, string>> = {
  '.h5': python('torch, h5py', "torch.from_numpy(h5py.File('FILE')['logits'][()])"),
  '.hdf5': python('torch, h5py', "torch.from_numpy(h5py.File('FILE')['logits'][()])"),
  '.parquet': python('torch, pandas', "torch.tensor(pandas.read_parquet('FILE').to_numpy())"),
  '.raw': python('torch, numpy', "torch.from_numpy(numpy.fromfile('FILE', 'float32').reshape(1, -1))"),
  '.onnx': 'it is a model; run it and save its logits by torch.save',
  '.gguf': 'it holds weights; run the model and save its logits by torch.save',
  '.kld': 'a base file of llama-perplexity begins with _logits_; name such a file itself, not its folder',
  '.json':
    'it is text; lists of numbers are not read: save the logits as a tensor by torch.save; a dump.json of msprobe only lists tensors: name a file in its dump_tensor_data/ (if there is none, dump with "task": "tensor")',
  '.csv': `it is a table; ${STATISTICS_ADVICE}`,
  '.txt': 'it is text; save the logits as a tensor by torch.save',
}

function python(modules: string, value: string): string {
  return `convert it in Python: import ${modules}; torch.save(${value}, 'OUT')`
}

/** What to do with a file that is no tensor, as far as its name shows it. @param out the name of the converted file */
function adviceFor(file: string, out = `${basename(file, extname(file))}.pth`): string | undefined {
  const advice = ADVICE[extname(file).toLowerCase()]
  return advice?.replace('FILE', () => printable(basename(file), 60)).replace('OUT', () => printable(out, 60))
}

/** Every path in which `loadDump` finds logits. */
const EXPECTED = `expected ${LAYOUTS.flatMap(({ examples }) => examples).join(' or ')}`

// Texts may begin like the header of an ATB file, but not with these names.
const ATB_HEADER = /^(?:\$|(?:format|dtype|dims|data)=)/

/**
 * Refuses a file that is certainly no tensor. Reads only its first bytes.
 * @throws GoldenLogitsError `unsupported-format`
 */
export function refuseForeign(file: string): void {
  // By such a name, it is not opened here: if it is damaged, its token is unreadable and the others are compared.
  if (TENSOR_EXTENSIONS.includes(extname(file).toLowerCase()) || looksReadable(file)) return
  const advice = adviceFor(file)
  const message = `is no dump and none of these: ${READABLE_FORMATS}${advice === undefined ? '' : `; ${advice}`}; ${EXPECTED}`
  throw new GoldenLogitsError('unsupported-format', message, { file })
}

function looksReadable(file: string): boolean {
  const isReadable = (source: ByteSource) => {
    const format = readableFormat(source)
    if (format !== 'atb-bin') return format !== undefined
    const head = Buffer.from(readBytes(source, 0, Math.min(8, source.size))).toString('latin1')
    return ATB_HEADER.test(head)
  }
  // A file that cannot be opened is an unreadable token, which says why.
  return tryRead(() => withFile(file, isReadable)) ?? true
}

/** The error for a path without a dump: what is there instead, what is nearest to a dump, and what to do. */
export function noDumpError(path: string, paths: readonly string[], ignored: List<IgnoredPath>): GoldenLogitsError {
  const some = firstItems(ignored, 3).map(({ path, reason }) => `${printable(basename(path), 40)}: ${reason}`)
  const more = ignored.length > 3 ? ` and ${ignored.length - 3} more` : ''
  const content = ignored.length === 0 ? 'it is empty' : `found ${some.join(', ')}${more}`
  const hint = hintFor(paths, ignored)
  const advice = hint === undefined ? '' : `; ${hint}`
  const message = `no dump here (${content})${advice}; ${EXPECTED}, or any folder on the way`
  return new GoldenLogitsError('nothing-to-compare', message, { file: path })
}

/** What to do, by what is nearest to a dump. */
function hintFor(paths: readonly string[], ignored: List<IgnoredPath>): string | undefined {
  const dumps = paths.flatMap((path) => dumpsBelow(path)).slice(0, 3)
  const names = dumps.map((name) => printable(name, 60)).join(' and in ')
  if (dumps.length > 0) return `there is a dump in ${names}: name that one`
  if (paths.some(holdsStatistics)) return STATISTICS_ADVICE
  // The first entries show what kind of folder it is; a folder may have a million of them.
  return filesHint(firstItems(ignored, 100).map(({ path }) => path))
}

/** A file is parsed as a whole to know whether it holds runs. */
const MOST_PARSED = 3

/** Many answers of one model are one file. */
const JOIN = 'several files become one by: jq -c . *.json > all.jsonl'

function runsText(runs: readonly FileRun[]): string {
  return runs[0]?.scan.layout === 'maxtext' ? 'the prompts of a file' : "a server's answers"
}

/** What to do with files in no known layout, by the first that has a known extension. */
export function filesHint(files: readonly string[]): string | undefined {
  const tensor = files.find((file) => isTensorFile(basename(file)))
  if (tensor !== undefined) return renameHint(basename(tensor))
  const binary = files.find((file) => file.endsWith('.bin'))
  if (binary !== undefined) return `to compare one file, name it: ${printable(basename(binary), 60)}`
  for (const file of files.slice(0, MOST_PARSED)) {
    const runs = tryRead(() => fileRuns([file], {}))
    if (runs) return `to compare ${runsText(runs)}, name the file itself: ${printable(basename(file), 60)}; ${JOIN}`
  }
  for (const file of files) {
    const advice = adviceFor(file, flatName(basename(file)))
    if (advice !== undefined) return `${printable(basename(file), 40)}: ${advice}`
  }
  return undefined
}

function renameHint(name: string): string {
  const ending = extname(name)
  const numbered = `${basename(name, ending)}_0${ending}`
  // The names output_0_0.npy and output_0.npy are not names of steps.
  const target = printable(parseFlat(numbered) ? numbered : `logits_0${ending}`, 70)
  return `if each file is one step, number them: rename ${printable(name, 60)} to ${target}; to compare one file, name it`
}

/** A name of the flat layout for a file: its last number is the step, and the case is 0 if the name has none. */
function flatName(name: string): string {
  const stem = basename(name, extname(name)).replace(/^logits_?/i, '')
  const numbered = splitAtNumber(stem)
  const step = numbered?.number ?? 0
  const before = numbered ? numbered.before.replace(/0+$/, '') : stem
  const run = before.replace(/\W+|_+$/g, '')
  if (/_\d{1,15}$/.test(run)) return `logits_${run}_${step}.pth`
  return `logits_${run === '' ? 'run' : run}_0_${step}.pth`
}

/** How deep an msprobe dump of statistics has its tables below `atb_dump_data`, its tool's folder included. */
const STATISTICS_DEPTH = 6

/** Whether the first folders down from here lead to a table of statistics. Follows one folder per level. */
function holdsStatistics(path: string): boolean {
  let folder = path
  for (let depth = 0; depth < STATISTICS_DEPTH; depth++) {
    const { entries } = tryListFolder(folder)
    if (entries.some(({ name, kind }) => kind === 'file' && STATISTICS_NAME.test(name))) return true
    const next = entries.find(({ name, kind }) => kind === 'folder' && name !== 'info' && name !== 'before')
    if (next === undefined) return false
    folder = resolve(folder, next.name)
  }
  return false
}

/** The folders one level below that contain a dump. */
function dumpsBelow(path: string): string[] {
  if (kindOf(path) !== 'folder') return []
  const folders: string[] = []
  for (const { name, kind } of listNames(path)) if (kind === 'folder' && folders.length < 50) folders.push(name)
  return folders.filter((name) => holdsDump(resolve(path, name)))
}

function holdsDump(path: string): boolean {
  // Looking for a hint must not replace the error.
  const located = tryRead(() => locate([path]))
  return located !== undefined && (located.devices.length > 0 || located.stepFiles.length > 0)
}
