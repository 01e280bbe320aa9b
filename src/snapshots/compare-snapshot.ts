import { compareSides, sideOf, withTokenArray } from '../compare/compare-dumps.js'
import type { CompareSettings } from '../compare/options.js'
import type { Comparison, TokenComparison, TokenSide } from '../compare/types.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { SnapshotSource, snapshotDump } from './from-snapshot.js'
import type { Golden } from './types.js'

/**
 * Compares a dump with a snapshot, token by token, one pair of rows in memory at a time.
 * @throws GoldenLogitsError `snapshot-mismatch` if no row has the snapshot's vocabulary, `bad-snapshot` and what readers of
 * archives throw if the snapshot's rows cannot be read, `nothing-to-compare`
 */
export function compareSnapshot(golden: Golden, dump: Dump, settings: CompareSettings): Comparison {
  const rows = new SnapshotSource(golden)
  try {
    const comparison = withTokenArray(compareSides(sideOf(dump), { dump: snapshotDump(golden), rows }, settings))
    if (rows.failure !== undefined) throw rows.failure
    refuseOtherVocabulary(golden, comparison.tokens)
    return comparison
  } finally {
    rows.close()
  }
}

/** If every row that was read has another vocabulary, the dump is of another model. */
function refuseOtherVocabulary({ path }: Golden, tokens: readonly TokenComparison[]): void {
  const pairs = tokens.filter(({ golden, dump }) => golden?.shape && dump?.shape)
  const [first] = pairs
  if (!first || pairs.some(({ golden, dump }) => widthOf(golden) === widthOf(dump))) return
  const [golden, dump] = [widthOf(first.golden), widthOf(first.dump)]
  const message = `the golden has a vocabulary of ${golden}, the dump one of ${dump}; if the dump pads its vocabulary, set the option vocabSize to ${golden}, and if it is of another model, update the golden (-u)`
  throw new GoldenLogitsError('snapshot-mismatch', message, { file: path })
}

function widthOf(side: TokenSide | undefined): number | undefined {
  return side?.shape?.at(-1)
}
