import { basename, join, sep } from 'node:path'
import { GoldenLogitsError, printable } from '../errors.js'
import { inNameOrder, type NameSeries } from '../io/folder-names.js'
import { listOf } from '../lib/lazy-list.js'
import type { FlatFiles } from './flat-files.js'
import type { IgnoredPaths } from './ignored-paths.js'
import { parseFlat } from './names.js'
import { NumberedPaths } from './numbered-paths.js'
import type { LayoutScan } from './rank-steps.js'
import type { LoadDumpOptions } from './types.js'

/**
 * Flat folders: `logits_{task}_{case}_{step}.pth`, each file one step of one case. A case is a run of its own.
 * @throws GoldenLogitsError `ambiguous-run` where several cases lie there, `invalid-argument` where `run` names none
 */
export function scanFlat(
  path: string,
  flat: readonly FlatFiles[],
  options: LoadDumpOptions,
  ignored: IgnoredPaths,
): LayoutScan {
  const cases = groupCases(flat)
  const name = pickCase(path, [...cases.keys()], options.run)
  const files = filesOf(cases.get(name)!)
  const shift = options.firstStep === undefined ? 0 : options.firstStep - files.numberAt(0)
  for (const [other, found] of cases) {
    if (other === name) continue
    const others = filesOf(found)
    for (let i = 0; i < others.length; i++) ignored.add(others.at(i), 'another case')
  }
  return {
    steps: listOf(files.length, (i) => ({ step: files.numberAt(i) + shift, files: [files.at(i)], layer: '' })),
    notes: cases.size > 1 ? [`case ${printable(basename(name))} taken, ${cases.size - 1} other left out`] : [],
    stepsAssumed: false,
  }
}

/** By the path up to the case. */
function groupCases(flat: readonly FlatFiles[]): Map<string, { folder: string; series: NameSeries[] }> {
  const cases = new Map<string, { folder: string; series: NameSeries[] }>()
  for (const { folder, series } of flat) {
    for (const one of series) {
      const key = join(folder, parseFlat(one.at(0)!.name)!.run)
      const known = cases.get(key)
      if (known) known.series.push(one)
      else cases.set(key, { folder, series: [one] })
    }
  }
  return cases
}

/** From the lowest step on, each file once: a pattern may name a folder and files in it. */
function filesOf({ folder, series }: FlatFiles): NumberedPaths {
  const files = new NumberedPaths()
  const below = join(folder, sep)
  let last = ''
  for (const { name } of inNameOrder(series)) {
    if (name !== last) files.add(below + name)
    last = name
  }
  return files
}

function pickCase(path: string, cases: readonly string[], wanted: string | undefined): string {
  const matches = cases.filter((key) => wanted === undefined || basename(key) === wanted)
  if (matches.length === 1) return matches[0]!
  const names = cases.map((key) => basename(key))
  const some = `${names
    .slice(0, 5)
    .map((name) => printable(name, 60))
    .join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`
  const holds = `holds the logits of ${cases.length} ${cases.length === 1 ? 'case' : 'cases'}: ${some}`
  if (matches.length === 0) {
    const message = `${holds}; the option run: '${printable(wanted!)}' is none of them`
    throw new GoldenLogitsError('invalid-argument', message, { file: path })
  }
  const advice = `name one by the option run: '${printable(names[0]!, 60)}', or by a pattern of its files`
  throw new GoldenLogitsError('ambiguous-run', `${holds}; ${advice}`, { file: path })
}
