/** Verdicts of runs of one kind. */
export function newTally() {
  return {
    count: 0,
    pass: 0,
    warned: 0,
    fail: 0,
    inconclusive: 0,
    /** How many pass with `strict`, and the option that the warning about rounding names. */
    strict: 0,
    /** How many tokens were judged in each run. */
    judged: [],
    flips: [],
    /** Of each run, and of those without a near-tie that pass without a warning, or with `strict`. */
    statistics: [],
    unwarned: [],
    missed: [],
    /** Runs that do not say how many tokens were judged, although some were not. */
    unsaid: 0,
  }
}

/** @param compare compares the run with further options */
export function addRun(tally, run, compare) {
  const comparison = compare({})
  const { pass, warnings, inconclusive, counts, notes } = comparison
  const strict = pass && compare({ strict: true, rounding: 'aware' }).pass
  const statistics = statisticsOf(comparison)
  const isUnwarned = pass && warnings.length === 0
  tally.count++
  if (pass) tally[isUnwarned ? 'pass' : 'warned']++
  else tally[inconclusive === undefined ? 'fail' : 'inconclusive']++
  if (strict) tally.strict++
  tally.judged.push(counts.compared - counts.notComparable)
  tally.statistics.push(statistics)
  const isWhole = counts.notComparable === 0
  if (isUnwarned && isWhole) tally.unwarned.push(statistics)
  if (strict && isWhole) tally.missed.push(statistics)
  if (pass && !isWhole && !notes.some((note) => / are judged/.test(note))) tally.unsaid++
  for (const { flip, step, dump } of comparison.tokens) {
    if (flip) tally.flips.push({ isBenign: flip.isBenign, key: `${run} ${step} ${dump?.top1}` })
  }
}

/** The statistics of a run that no token shows, and the scale of its most scaled token. The larger, the worse. */
function statisticsOf({ noise, tokens }) {
  const judged = tokens.filter(({ verdict, noise: known }) => verdict !== 'not-comparable' && known)
  return {
    spread: noise?.medianSpread ?? 0,
    divergence: noise?.divergenceRatio ?? 0,
    scale: Math.abs((noise?.deviationRatio ?? 1) - 1),
    tokenScale: Math.max(0, ...judged.map((token) => Math.abs(token.noise.deviationRatio - 1))),
  }
}

/** Whether a statistic is larger than in every honest run. */
export function isBeyond(statistics, honest) {
  return Object.keys(statistics).some((key) => statistics[key] > Math.max(...honest.map((run) => run[key])))
}
