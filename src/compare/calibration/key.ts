import { SideDtypes } from '../side-dtypes.js'
import { PRECISIONS, precisionNamed } from '../thresholds.js'
import type { Precision, TokenComparison } from '../types.js'

interface Tokens {
  readonly tokens: Iterable<Pick<TokenComparison, 'golden' | 'dump'>>
}

/** The coarsest precision of the golden's rows. @returns `fp32` for integers, which show none */
export function goldenPrecision({ tokens }: Tokens): Precision {
  const dtypes = new SideDtypes()
  for (const { golden } of tokens) if (golden) dtypes.add(golden)
  const precisions = dtypes.all().map((dtype) => precisionNamed(dtype))
  return PRECISIONS.find((precision) => precisions.includes(precision)) ?? 'fp32'
}

/** Files of a token of the dump: several if each process of a tensor-parallel group wrote its own. */
export function ranksOf({ tokens }: Tokens): number {
  let most = 1
  for (const { dump } of tokens) if (dump) most = Math.max(most, dump.files.length)
  return most
}
