import { basename, join, sep } from 'node:path'
import { GoldenLogitsError, printable } from '../../../errors.js'
import { inNameOrder, type NameSeries } from '../../../io/folder-names.js'
import { listOf } from '../../../lib/lazy-list.js'
import { PathColumn } from '../../columns.js'
import { linkProblem } from '../../ignored-paths.js'
import { chosenNote, type FileLayout, type LayoutScan, type ScanContext } from '../layout.js'
import type { FileSelection } from '../selection.js'

/** Flat layout: `logits_{task}_{case}_{step}.pth`, each file one step of one case. Each case is a separate run. */
export const flat: FileLayout = {
  kind: 'files',
  name: 'flat',
  examples: ['logits_{task}_{case}_{step}.pth'],
  detect: (name) => parseFlat(name) !== undefined,
  scan: scanFlat,
}

/** `logits_{task}_{case}_{step}.pth`: the name up to the case, and the step. */
function parseFlat(name: string): { run: string; step: number } | undefined {
  const match = /^(logits_.+_\d{1,15})_(\d{1,15})\.pth$/.exec(name)
  return match ? { run: match[1]!, step: Number(match[2]) } : undefined
}

/** @throws GoldenLogitsError `ambiguous-run` if there are several cases, `invalid-argument` if `run` names none of them */
function scanFlat(selections: readonly FileSelection[], { path, options, ignored }: ScanContext): LayoutScan {
  const cases = groupCases(selections)
  const name = pickCase(path, [...cases.keys()], options.run)
  const { files, links } = filesOf(cases.get(name)!)
  const shift = options.firstStep === undefined ? 0 : options.firstStep - files.numberAt(0)
  for (const [other, otherCase] of cases) {
    if (other === name) continue
    const others = filesOf(otherCase).files
    for (let i = 0; i < others.length; i++) ignored.add(others.at(i), 'another case')
  }
  return {
    steps: listOf(files.length, (i) => {
      const step = files.numberAt(i) + shift
      if (links.has(i)) return { step, files: [], layer: '', problem: linkProblem(files.at(i)) }
      return { step, files: [files.at(i)], layer: '' }
    }),
    notes: cases.size > 1 ? [chosenNote('case', printable(basename(name)), cases.size - 1)] : [],
    stepsAssumed: false,
  }
}

interface Case {
  folder: string
  series: NameSeries[]
}

/** The files of each case. The key is the path up to the case. */
function groupCases(selections: readonly FileSelection[]): Map<string, Case> {
  const cases = new Map<string, Case>()
  for (const { folder, series: all } of selections) {
    for (const series of all) {
      const key = join(folder, parseFlat(series.at(0)!.name)!.run)
      const previous = cases.get(key)
      if (previous) previous.series.push(series)
      else cases.set(key, { folder, series: [series] })
    }
  }
  return cases
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

function pickCase(path: string, cases: readonly string[], run: string | undefined): string {
  const matches = cases.filter((key) => run === undefined || basename(key) === run)
  if (matches.length === 1) return matches[0]!
  const names = cases.map((key) => basename(key))
  const some = `${names
    .slice(0, 5)
    .map((name) => printable(name, 60))
    .join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`
  const holds = `holds the logits of ${cases.length} ${cases.length === 1 ? 'case' : 'cases'}: ${some}`
  if (matches.length === 0) {
    const message = `${holds}; the option run: '${printable(run!)}' names none of them`
    throw new GoldenLogitsError('invalid-argument', message, { file: path })
  }
  const advice = `choose one with the option run: '${printable(names[0]!, 60)}', or with a pattern that matches only its files`
  throw new GoldenLogitsError('ambiguous-run', `${holds}; ${advice}`, { file: path })
}
