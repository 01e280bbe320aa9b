import { basename, dirname, join } from 'node:path'
import { GoldenLogitsError, shown } from '../errors.js'
import { parseFlat } from './names.js'
import type { LayoutScan } from './rank-steps.js'
import type { DumpStep, LoadDumpOptions } from './types.js'

/**
 * Flat folders: `logits_{task}_{case}_{step}.pth`, each file one step of one case. A case is a run of its own.
 * @throws GoldenLogitsError `ambiguous-run` where several cases lie there, `invalid-argument` where `run` names none
 */
export function scanFlat(path: string, files: readonly string[], options: LoadDumpOptions): LayoutScan {
  const cases = groupCases(files)
  const [name, steps] = pickCase(path, cases, options.run)
  const first = steps.reduce((least, { step }) => Math.min(least, step), Number.POSITIVE_INFINITY)
  const shift = options.firstStep === undefined ? 0 : options.firstStep - first
  const others = [...cases].filter(([other]) => other !== name).flatMap(([, list]) => list)
  const shifted = steps.map(({ step, files, layer }) => ({ step: step + shift, files, layer }))
  return {
    steps: shifted.sort((a, b) => a.step - b.step),
    notes: cases.size > 1 ? [`case ${shown(basename(name))} taken, ${cases.size - 1} other left out`] : [],
    ignored: others.map((step) => ({ path: step.files[0]!, reason: 'another case' })),
    stepsAssumed: false,
  }
}

function groupCases(files: readonly string[]): Map<string, DumpStep[]> {
  const cases = new Map<string, DumpStep[]>()
  for (const file of new Set(files)) {
    const { run, step } = parseFlat(basename(file))!
    const key = join(dirname(file), run)
    const steps = cases.get(key)
    const entry = { step, files: [file], layer: '' }
    if (steps) steps.push(entry)
    else cases.set(key, [entry])
  }
  return cases
}

function pickCase(
  path: string,
  cases: ReadonlyMap<string, DumpStep[]>,
  wanted: string | undefined,
): [string, DumpStep[]] {
  const matches = [...cases].filter(([key]) => wanted === undefined || basename(key) === wanted)
  if (matches.length === 1) return matches[0]!
  const names = [...cases.keys()].map((key) => basename(key))
  const some = `${names
    .slice(0, 5)
    .map((name) => shown(name, 60))
    .join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`
  const holds = `holds the logits of ${cases.size} ${cases.size === 1 ? 'case' : 'cases'}: ${some}`
  if (matches.length === 0) {
    const message = `${holds}; the option run: '${shown(wanted!)}' is none of them`
    throw new GoldenLogitsError('invalid-argument', message, { file: path })
  }
  const advice = `name one by the option run: '${shown(names[0]!, 60)}', or by a pattern of its files`
  throw new GoldenLogitsError('ambiguous-run', `${holds}; ${advice}`, { file: path })
}
