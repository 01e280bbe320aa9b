import type { Row } from '../tensor/widen.js'
import { klDivergence } from './divergence.js'
import { measure } from './measure.js'
import { sampleFacts } from './noise.js'
import { sumPair } from './pair-sums.js'
import { countNonFinite, hasNonFinite, scanRow } from './row-scan.js'
import type { RowComparison } from './types.js'

/** Compares the first `count` logits of two rows in plain TypeScript. */
export function compareRows(golden: Row, dump: Row, count: number): RowComparison {
  const goldenScan = scanRow(golden, count)
  const dumpScan = scanRow(dump, count)
  if (hasNonFinite(goldenScan) || hasNonFinite(dumpScan)) {
    return { kind: 'non-finite', golden: countNonFinite(golden, count), dump: countNonFinite(dump, count) }
  }
  const goldenEmpty = goldenScan.max === Number.NEGATIVE_INFINITY
  const dumpEmpty = dumpScan.max === Number.NEGATIVE_INFINITY
  if (goldenEmpty || dumpEmpty) {
    return { kind: 'no-support', side: goldenEmpty && dumpEmpty ? 'both' : goldenEmpty ? 'golden' : 'dump' }
  }
  const facts = {
    ...sumsOf(golden, dump, count),
    golden: goldenScan,
    dump: dumpScan,
    goldenAtDumpTop1: golden[dumpScan.top1]!,
    dumpAtGoldenTop1: dump[goldenScan.top1]!,
    sample: sampleFacts(golden, dump, count, goldenScan.max, dumpScan.max),
  }
  return measure(facts, count, klDivergence(golden, dump, count, goldenScan.top1, dumpScan.max))
}

/** Cosine and distance are quotients of these sums, so that a common factor of both rows changes neither. */
const SCALE = 2 ** -540

function sumsOf(golden: Row, dump: Row, count: number): ReturnType<typeof sumPair> {
  const facts = sumPair(golden, dump, count)
  const { gg, mm, dd } = facts.sums
  // The squares of float64 beyond 1e154, such as a mask of the lowest float64, are infinite.
  return Number.isFinite(gg + mm + dd) ? facts : sumPair(golden, dump, count, SCALE)
}
