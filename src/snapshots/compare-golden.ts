import { align } from '../compare/align.js'
import { conclude, type MeasuredPair } from '../compare/comparison.js'
import { addDtypes } from '../compare/dtypes.js'
import type { CompareSettings } from '../compare/options.js'
import { inferPrecision } from '../compare/thresholds.js'
import { withTokenArray } from '../compare/token-array.js'
import type { Comparison } from '../compare/types.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { readerFor } from '../formats/tensor-reader.js'
import { rowKernel } from '../metrics/row-kernel.js'
import type { Dtype } from '../tensor/dtype.js'
import { capture } from './capture.js'
import { withBounds } from './conclude-bounded.js'
import { NpzReader } from './full/npz-reader.js'
import { goldenDump } from './golden-dump.js'
import { type Bounded, measureCompact, measureFull, type TokenOutcome } from './measure-token.js'
import { dataPath, type Golden, type GoldenToken } from './types.js'

/**
 * Compares a dump with a golden, token by token, one pair of rows in memory at a time.
 * @throws GoldenLogitsError `snapshot-mismatch` where no row has the golden's vocabulary, `bad-snapshot` and what readers of
 * archives throw where the golden's rows cannot be read, `nothing-to-compare`
 */
export function compareGolden(golden: Golden, dump: Dump, settings: CompareSettings): Comparison {
  const trusted = goldenDump(golden)
  const { pairs, notes } = align(dump, trusted, settings)
  const tokens = new Map(golden.tokens.map((token) => [token.step, token]))
  const bounded = new Map<number, Bounded>()
  const widths = { fitting: 0, other: new Map<number, number>() }
  const rows = golden.fidelity === 'full' ? new NpzReader(dataPath(golden.path)) : undefined
  const reader = readerFor(dump.budgets)
  try {
    const measured = Array.from(pairs, (pair): MeasuredPair => {
      if (!pair.golden || !pair.dump) return pair
      const token = tokens.get(pair.golden.step)!
      const captured = fitted(capture(pair.dump, reader, settings.vocabSize), token, widths)
      const result: TokenOutcome = rows
        ? measureFull(golden, token, captured, rows, rowKernel())
        : measureCompact(golden, token, captured)
      if (result.kind === 'bounded') bounded.set(pair.step, result.bounded)
      return { ...pair, outcome: result.outcome }
    })
    if (widths.fitting === 0 && widths.other.size > 0) throw otherVocabulary(golden, widths.other)
    // Bounded tokens tell their dtypes, too, and need the limits that depend on them.
    const dtypes = new Set<Dtype>()
    for (const { outcome } of measured) if (outcome) addDtypes(dtypes, outcome)
    const precision = settings.precision ?? inferPrecision(dtypes)
    const comparison = withTokenArray(conclude(dump, trusted, measured, notes, { ...settings, precision }))
    if (settings.precision === undefined) comparison.notes.push(`dtype ${precision} taken from the dumps`)
    return bounded.size === 0 ? comparison : withBounds(comparison, bounded, settings.afterDivergence)
  } finally {
    rows?.close()
  }
}

type Captured = ReturnType<typeof capture>

/** A row of another vocabulary than the golden's is misshapen. */
function fitted(
  captured: Captured,
  { width }: GoldenToken,
  widths: { fitting: number; other: Map<number, number> },
): Captured {
  if (captured.kind !== 'row') return captured
  if (captured.width === width) {
    widths.fitting++
    return captured
  }
  widths.other.set(captured.width, width)
  const reason = `vocabularies differ: golden ${width} columns, dump ${captured.width}`
  return { side: captured.side, notes: captured.notes, kind: 'shape-mismatch', reason }
}

function otherVocabulary({ path }: Golden, widths: ReadonlyMap<number, number>): GoldenLogitsError {
  const [[dump, golden]] = [...widths] as [[number, number]]
  const message = `the golden has a vocabulary of ${golden}, the dump one of ${dump}; if the dump pads its vocabulary, set the option vocabSize to ${golden}, and if it is of another model, update the golden (-u)`
  return new GoldenLogitsError('snapshot-mismatch', message, { file: path })
}
