import type { MetricStatistics } from '../../compare/run-statistics.js'
import { runStatistics } from '../../compare/statistics.js'
import { tokenName } from '../../compare/step-ranges.js'
import type { ListedComparison } from '../../compare/types.js'
import { counted, short } from '../../lib/number-text.js'
import { optionalRow } from '../../metrics/optional/table.js'

/** Fewer tokens are no run: their values say more than their statistics. */
export const LEAST_TOKENS = 10

/** From how many tokens on the 99th percentile is not just the highest value. */
const MANY_TOKENS = 100

/** The run as a whole, in a few lines; none for a few tokens without a limit on the run. */
export function statisticsLines({ tokens, run }: Pick<ListedComparison, 'tokens' | 'run'>): string[] {
  const statistics = runStatistics(tokens)
  const verdicts = (run ?? []).map(({ verdict, reason }) => `  ${verdict === 'pass' ? 'run' : verdict}: ${reason}`)
  if (!statistics || (statistics.tokens < LEAST_TOKENS && verdicts.length === 0)) return verdicts
  const { meanKl, meanKlError, maxKl, klPercentiles, top1Agreement, confidence = [], metrics = [] } = statistics
  const at = (percent: number) => short(klPercentiles.find((one) => one.percent === percent)!.value)
  const about = meanKlError === undefined ? '' : ` ± ${short(meanKlError)}`
  const p99 = statistics.tokens < MANY_TOKENS ? '' : `, 99 % ${at(99)}`
  const { value, error, tokens: known } = top1Agreement
  const ranges = confidence.map(({ to, tokens: count, meanKl: kl }) => {
    return `${to === 1 ? 'up to 1' : `below ${to}`}: ${short(kl)} (${count})`
  })
  return [
    `  KL of ${counted(statistics.tokens, 'token')}`.padEnd(22) +
      `mean ${short(meanKl)}${about}, median ${at(50)}, 90 % ${at(90)}${p99}, highest ${short(maxKl.value)} at ${tokenName(maxKl)}`,
    `  same top-1          ${short(100 * value)} ± ${short(100 * error)} % of ${known}`,
    ...(ranges.length > 1 && statistics.tokens >= MANY_TOKENS
      ? [`  mean KL by the golden's top probability   ${ranges.join(', ')}`]
      : []),
    ...metrics.map(metricLine),
    ...verdicts,
  ]
}

/** `total variation     mean 0.0123 ± 0.001, worst 0.045 at token 7` */
function metricLine({ key, mean, error, rms, worst }: MetricStatistics): string {
  const about = error === undefined ? '' : ` ± ${short(error)}`
  const square = rms === undefined ? '' : `, RMS ${short(rms)}`
  return (
    `  ${optionalRow(key).label}`.padEnd(22) +
    `mean ${short(mean)}${about}${square}, worst ${short(worst.value)} at ${tokenName(worst)}`
  )
}
