import { basename, extname, join, sep } from 'node:path'
import { printable } from '../../../errors.js'
import { FolderNames, inNameOrder, type NameSeries } from '../../../io/folder-names.js'
import { groupBy } from '../../../lib/group-by.js'
import { listOf } from '../../../lib/lazy-list.js'
import { counted } from '../../../lib/number-text.js'
import { PathColumn } from '../../columns.js'
import { type IgnoredPaths, linkProblem } from '../../ignored-paths.js'
import { roleOfStep } from '../../token-ids.js'
import { chosenNote, type FileLayout, type LayoutScan, OR_ALL, pickNamed, type ScanContext } from '../layout.js'
import type { FileSelection } from '../selection.js'
import { parseFlat } from './names.js'

/** Files such as `logits_{task}_{case}_{step}.pth` or `step_{n}.npy`, a step each. Each case is a separate run. */
export const flat: FileLayout = {
  kind: 'files',
  name: 'flat',
  examples: ['logits_{task}_{case}_{step}.pth', `{name}_{step}.{npy,npz,safetensors,pt,pb}`],
  detect: (name) => parseFlat(name) !== undefined,
  scan: scanFlat,
}

/** @throws GoldenLogitsError `ambiguous-run` if there are several cases, `invalid-argument` if `run` names none of them */
function scanFlat(selections: readonly FileSelection[], context: ScanContext): LayoutScan {
  const { options, ignored } = context
  const all = groupCases(selections)
  const cases = options.run === undefined ? withLogits(all) : all
  const key = pickCase(cases, context)
  const chosen = all.get(key)!
  const { files, links } = filesOf(chosen)
  const first = stepOf(files, 0, chosen)
  const shift = options.firstStep === undefined ? 0 : options.firstStep - first
  for (const [other, otherCase] of all) {
    if (other === key) continue
    ignoreCase(otherCase, cases.has(other) ? 'another case' : NOT_LOGITS, ignored)
  }
  return {
    ...(chosen.isRun && { layout: 'file' }),
    steps: listOf(files.length, (i) => {
      const step = stepOf(files, i, chosen) + shift
      if (links.has(i)) return { step, files: [], layer: '', problem: linkProblem(files.at(i)) }
      return { step, files: [files.at(i)], layer: '' }
    }),
    notes: cases.size > 1 ? [chosenNote('case', printable(chosen.name), cases.size - 1)] : [],
    stepsAssumed: false,
  }
}

/**
 * The files of each case, for the option `run: 'all'`. Files beside the logits are ignored.
 * @returns each case by the name that the option `run` knows it by
 */
export function splitFlat(
  selections: readonly FileSelection[],
  ignored: IgnoredPaths,
): { readonly name: string; readonly selections: FileSelection[] }[] {
  const all = groupCases(selections)
  const cases = withLogits(all)
  for (const [key, other] of all) if (!cases.has(key)) ignoreCase(other, NOT_LOGITS, ignored)
  const namesOf = namesApart(cases)
  return [...cases].map((entry) => {
    const [, { folder, series }] = entry
    return { name: namesOf(entry)[0]!, selections: [{ layout: 'flat', folder, series }] }
  })
}

function ignoreCase(other: Case, reason: string, ignored: IgnoredPaths): void {
  const { files } = filesOf(other)
  for (let i = 0; i < files.length; i++) ignored.add(files.at(i), reason)
}

function stepOf(files: PathColumn, index: number, { isRun }: Case): number {
  return isRun ? 0 : files.numberAt(index)
}

/** Files beside the logits, such as hidden states or token ids, are no separate case if the logits are named so. */
function withLogits(cases: ReadonlyMap<string, Case>): ReadonlyMap<string, Case> {
  const named = [...cases].filter(([, { name }]) => /(?:^|[^a-z])logits(?:[^a-z]|$)/i.test(name))
  if (named.length > 0) return new Map(named)
  // `token_0.npy` may as well hold the logits of a token.
  const others = [...cases].filter(([, { name }]) => !(/ids?$/i.test(name) && roleOfStep(name)))
  return others.length > 0 ? new Map(others) : cases
}

/** Why the files beside the logits are ignored. */
const NOT_LOGITS = 'not named logits, as other files are'

interface Case {
  /** The option `run` names it so. */
  readonly name: string
  readonly folder: string
  readonly series: NameSeries[]
  readonly isRun: boolean
}

/** The files of each case. */
function groupCases(selections: readonly FileSelection[]): Map<string, Case> {
  const cases = new Map<string, Case>()
  for (const { folder, series: all } of selections) {
    for (const series of all) {
      // Names that differ only by the step are of one case. Prompts are one by one.
      const { isRun } = parseFlat(series.at(0)!.name)!
      if (!isRun) add(cases, folder, series)
      else for (const entry of series) add(cases, folder, new FolderNames([entry]).series[0]!)
    }
  }
  return cases
}

function add(cases: Map<string, Case>, folder: string, series: NameSeries): void {
  const { name } = series.at(0)!
  const { run, isRun } = parseFlat(name)!
  // Files of two formats with equal names are two cases.
  const key = join(folder, `${run}${extname(name)}`)
  const previous = cases.get(key)
  if (previous) previous.series.push(series)
  else cases.set(key, { name: run, folder, series: [series], isRun })
}

interface CaseFiles {
  /** In ascending order of steps. */
  files: PathColumn
  /** The indices of links to folders, and of broken links. */
  links: ReadonlySet<number>
}

/** The files of a case, each once: a pattern may match a folder and also files in it. */
function filesOf({ folder, series }: Case): CaseFiles {
  const files = new PathColumn()
  const links = new Set<number>()
  const prefix = join(folder, sep)
  let last = ''
  for (const { name, kind } of inNameOrder(series)) {
    if (name === last) continue
    if (kind === 'link') links.add(files.length)
    files.push(prefix + name)
    last = name
  }
  return { files, links }
}

/** The names of a case, the shortest that no other case has first: by its files, with their extension, in their folder. */
function namesApart(cases: ReadonlyMap<string, Case>): (entry: readonly [string, Case]) => string[] {
  const forms = [
    ([, { name }]: readonly [string, Case]) => name,
    ([key]: readonly [string, Case]) => basename(key),
    ([key, { folder }]: readonly [string, Case]) => `${basename(folder)}/${basename(key)}`,
    ([key]: readonly [string, Case]) => key,
  ]
  const counts = forms.map((form) => groupBy(cases, form))
  return (entry) => {
    const names = forms.map((form) => form(entry))
    return [...names.filter((name, i) => counts[i]!.get(name)!.length === 1), ...names]
  }
}

/** @returns the key of the case that the option `run` names, or of the only one */
function pickCase(cases: ReadonlyMap<string, Case>, context: ScanContext): string {
  const namesOf = namesApart(cases)
  const holds = `holds the logits of ${counted(cases.size, 'case')}`
  return pickNamed([...cases], namesOf, holds, context, OR_ALL)[0]
}
