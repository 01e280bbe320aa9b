import { QUANTITIES } from '../../compare/calibration/quantities.js'
import type { Calibration, MetricSpread, ProposedLimit } from '../../compare/calibration/types.js'
import { printable } from '../../errors.js'
import { significant } from '../../lib/number-text.js'

const RUN_LABELS: Readonly<Record<keyof Calibration['runLimits'], string>> = {
  meanKl: 'mean KL divergence',
  medianSpread: 'median relative spread',
  medianScaleError: 'median scale error',
  medianPeak: 'median error peak',
}

/** What was measured, on what, and which limits follow, for people. */
export function calibrationMessage(calibration: Calibration): string {
  const { model, dtype, golden, tensorParallel, device, measured, tokens, spread, notes } = calibration
  const head = [
    `Calibration of ${printable(model, 100)}: ${dtype} against ${golden}, tensor-parallel ${tensorParallel}, ${printable(device, 100)}`,
    `Measured on ${printable(measured, 200)}, ${tokens} tokens`,
  ]
  const rows = QUANTITIES.flatMap(({ key, label }) => {
    const facts = spread[key]
    return facts ? [[label, ...cellsOf(facts)]] : []
  })
  const measuredLines =
    rows.length === 0
      ? []
      : ['', ...table([['Honest spread', 'median', '90 %', '99 %', 'worst', '1 in 10^6'], ...rows])]
  return [
    ...head,
    ...measuredLines,
    '',
    ...limitLines('Limits on each token', tokenLimitRows(calibration)),
    ...runLines(calibration),
    ...notes.map((note) => `  note: ${printable(note, 300)}`),
  ].join('\n')
}

function cellsOf({ median, p90, p99, max, tail }: MetricSpread): string[] {
  return [median, p90, p99, max, tail].map((value) => significant(value, 3))
}

function tokenLimitRows({ tokenLimits }: Calibration): (readonly [string, string, ProposedLimit])[] {
  return QUANTITIES.flatMap(({ tokenLimit, label }) => {
    const proposed = tokenLimit && tokenLimits[tokenLimit]
    if (!proposed) return []
    return [tokenLimit === 'cosineSimilarity' ? ['cosine similarity', '>', proposed] : [label, '<', proposed]] as const
  })
}

function runLines({ runLimits, runTokens }: Calibration): string[] {
  const keys = Object.keys(RUN_LABELS) as (keyof typeof RUN_LABELS)[]
  const rows = keys.flatMap((key) => {
    const proposed = runLimits[key]
    return proposed ? [[RUN_LABELS[key], '<', proposed] as const] : []
  })
  return rows.length === 0 ? [] : ['', ...limitLines(`Limits on a run of ${runTokens} tokens or more`, rows)]
}

function limitLines(title: string, rows: readonly (readonly [string, string, ProposedLimit])[]): string[] {
  const width = Math.max(...rows.map(([label]) => label.length))
  const limits = rows.map(([, sign, { limit }]) => `${sign} ${limit}`)
  const limitWidth = Math.max(...limits.map(({ length }) => length))
  return [
    title,
    ...rows.map(([label, , { reason }], i) => {
      return `  ${label.padEnd(width)}  ${limits[i]!.padEnd(limitWidth)}  ${printable(reason, 300)}`
    }),
  ]
}

/** Numbers below each other; the first row are the titles. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  return rows.map((row, at) => {
    const cells = row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
    return at === 0 ? cells.join('  ') : `  ${cells.join('  ')}`
  })
}

/** Limits that are looser than in an older calibration of the same build: honest runs should not need more by themselves. */
export function looserLimits(before: Calibration, now: Calibration): string[] {
  const all = (of: Calibration) => Object.entries({ ...of.tokenLimits, ...of.runLimits })
  const old = new Map(all(before))
  return all(now).flatMap(([key, { limit }]) => {
    const proposed = old.get(key)?.limit
    if (proposed === undefined) return []
    const isLooser = key === 'cosineSimilarity' ? limit < proposed : limit > proposed
    return isLooser ? [`${key} was ${proposed} and is now ${limit}`] : []
  })
}
