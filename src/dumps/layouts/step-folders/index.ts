import { basename, join } from 'node:path'
import { printable } from '../../../errors.js'
import { type FolderEntry, listNames, tryListFolder } from '../../../io/folder.js'
import type { FolderNames, NameSeries } from '../../../io/folder-names.js'
import { ignoredAs, linkProblem } from '../../ignored-paths.js'
import type { DumpStep } from '../../types.js'
import { isLogitsFile, isTensorFile } from '../flat/names.js'
import type { LayoutScan, ScanContext, TreeLayout } from '../layout.js'

/** Folders that are a step each, with one file of logits: `{step}/logits.npy`, `step_{n}/logits.pt`. */
export const stepFolders: TreeLayout = {
  kind: 'tree',
  name: 'flat',
  examples: ['{step}/logits.{npy,npz,safetensors,pt,pb}'],
  detect: (folder, names) => names.series.some((series) => isStepFolder(folder, series)),
  scan: scanStepFolders,
}

const STEP = /^(?:(?:step|token|position|pos|logits|iteration|iter|forward)s?[_.-]?)?0*$/i

function isStepFolder(folder: string, series: NameSeries): boolean {
  if (series.kind !== 'folder' || series.after !== '' || !STEP.test(series.before)) return false
  const first = series.at(0)!.name
  return logitsIn(tryListFolder(join(folder, first)).entries) !== undefined
}

/** The file of logits in a step's folder: the one of that name, else the only one that may hold a tensor. */
function logitsIn(entries: readonly FolderEntry[]): string | undefined {
  const files = entries.filter(({ name, kind }) => kind === 'file' && isTensorFile(name)).map(({ name }) => name)
  return files.find(isLogitsFile) ?? (files.length === 1 ? files[0] : undefined)
}

function scanStepFolders(folder: string, { options, ignored }: ScanContext): LayoutScan {
  const names = listNames(folder)
  const steps: DumpStep[] = []
  for (const { number, name, kind } of stepsOf(names)) {
    const path = join(folder, name)
    steps.push(kind === 'link' ? linkedStep(number, path) : readStep(number, path, ignored))
  }
  steps.sort((a, b) => a.step - b.step)
  for (const { name, kind } of names) {
    if (!isStep(name)) ignored.add(join(folder, name), ignoredAs(kind, 'not a folder of a step'))
  }
  const shift = options.firstStep === undefined ? 0 : options.firstStep - (steps[0]?.step ?? 0)
  return { steps: steps.map((step) => ({ ...step, step: step.step + shift })), notes: [], stepsAssumed: false }
}

function* stepsOf(names: FolderNames): Generator<FolderEntry & { number: number }> {
  for (const series of names.series) {
    if ((series.kind !== 'folder' && series.kind !== 'link') || series.after !== '' || !STEP.test(series.before))
      continue
    for (let i = 0; i < series.length; i++) yield { ...series.at(i)!, number: series.numbers.at(i)! }
  }
}

function isStep(name: string): boolean {
  return /\d$/.test(name) && STEP.test(name.replace(/\d+$/, ''))
}

function linkedStep(step: number, path: string): DumpStep {
  return { step, files: [], layer: '', problem: linkProblem(path) }
}

function readStep(step: number, path: string, ignored: ScanContext['ignored']): DumpStep {
  const { entries, problem } = tryListFolder(path)
  const file = logitsIn(entries)
  for (const { name } of entries)
    if (name !== file) ignored.add(join(path, name), 'beside the logits of the step', path)
  if (file !== undefined) return { step, files: [join(path, file)], layer: '' }
  const reason = problem ?? `no file of logits in ${printable(basename(path))}: ${contentOf(entries)}`
  return { step, files: [], layer: '', problem: reason }
}

function contentOf(entries: readonly FolderEntry[]): string {
  const some = entries.slice(0, 3).map(({ name }) => printable(name, 40))
  return entries.length === 0 ? 'the folder is empty' : `found ${some.join(', ')}; name the file logits.npy (or .pt …)`
}
