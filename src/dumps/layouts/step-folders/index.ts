import { basename, join } from 'node:path'
import { printable } from '../../../errors.js'
import { type FolderEntry, listNames, tryListFolder } from '../../../io/folder.js'
import type { EntryKind, NameSeries } from '../../../io/folder-names.js'
import { ignoredAs, linkProblem } from '../../ignored-paths.js'
import type { DumpStep } from '../../types.js'
import { isLogitsFile, tensorFilesIn } from '../flat/names.js'
import { describeContent, type LayoutScan, type ScanContext, sortedSteps, type TreeLayout } from '../layout.js'

/** Folders that are a step each, with one file of logits: `{step}/logits.npy`, `step_{n}/logits.pt`. */
export const stepFolders: TreeLayout = {
  kind: 'tree',
  name: 'flat',
  examples: ['{step}/logits.{npy,npz,safetensors,pt,pb}'],
  detect: (folder, names) => names.series.some((series) => isStepFolder(folder, series)),
  scan: scanStepFolders,
}

const STEP = /^(?:(?:step|token|position|pos|logits|iteration|iter|forward)s?[_.-]?)?0*$/i

function isSeriesOfSteps({ kind, before, after }: NameSeries, kinds: readonly EntryKind[]): boolean {
  return kinds.includes(kind) && after === '' && STEP.test(before)
}

function isStepFolder(folder: string, series: NameSeries): boolean {
  if (!isSeriesOfSteps(series, ['folder'])) return false
  const first = series.at(0)!.name
  return logitsIn(tryListFolder(join(folder, first)).entries) !== undefined
}

/** The file of logits in a step's folder: the one of that name, else the only one that may hold a tensor. */
function logitsIn(entries: readonly FolderEntry[]): string | undefined {
  const files = tensorFilesIn(entries)
  return files.find(isLogitsFile) ?? (files.length === 1 ? files[0] : undefined)
}

function scanStepFolders(folder: string, { options, ignored }: ScanContext): LayoutScan {
  const names = listNames(folder)
  const steps: DumpStep[] = []
  for (const series of names.series) {
    if (!isSeriesOfSteps(series, ['folder', 'link'])) continue
    for (const [index, { name, kind }] of [...series].entries()) {
      const [step, path] = [series.numbers.at(index)!, join(folder, name)]
      const linked = { step, files: [], layer: '', problem: linkProblem(path) }
      steps.push(kind === 'link' ? linked : readStep(step, path, ignored))
    }
  }
  for (const { name, kind } of names) {
    if (!isStep(name)) ignored.add(join(folder, name), ignoredAs(kind, 'not a folder of a step'))
  }
  return { steps: sortedSteps(steps, options), notes: [], stepsAssumed: false }
}

function isStep(name: string): boolean {
  return /\d$/.test(name) && STEP.test(name.replace(/\d+$/, ''))
}

function readStep(step: number, path: string, ignored: ScanContext['ignored']): DumpStep {
  const { entries, problem } = tryListFolder(path)
  const file = logitsIn(entries)
  for (const { name } of entries)
    if (name !== file) ignored.add(join(path, name), 'beside the logits of the step', path)
  if (file !== undefined) return { step, files: [join(path, file)], layer: '' }
  const advice = entries.length === 0 ? '' : '; name the file logits.npy (or .pt …)'
  const reason = problem ?? `no file of logits in ${printable(basename(path))}: ${describeContent(entries)}${advice}`
  return { step, files: [], layer: '', problem: reason }
}
