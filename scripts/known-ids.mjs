// What is certain of rows of which some vocab ids are known: checks on 10,000 pairs of rows for each set of ids that every
// interval holds the exact value, and prints the tables of docs/formats.md (how often an interval decides, and which planted
// faults it shows). Rows are in memory. Seeded. Exits with 1 if a value lies outside of its interval or a verdict is wrong.
// Usage: node scripts/known-ids.mjs [--pairs 10000] [--seed 1] [--width 8192]
import { parseArgs } from 'node:util'
import { modules } from '../bench/modules.mjs'
import { exactDivergences, logSoftmax } from './known-ids/exact.mjs'
import { CHANGES, FAULTS, HONEST, Rows } from './known-ids/pairs.mjs'
import { markdown } from './trust/tables.mjs'

const text = (value) => ({ type: 'string', default: value })
const { values } = parseArgs({ options: { pairs: text('10000'), seed: text('1'), width: text('8192') } })
const [pairs, seed, width] = [values.pairs, values.seed, values.width].map(Number)
const { rowOf, lowestOf, knownRow, roundingOf, knownOf, logProbsOf, boundKnown, judgeBounds, stratifiedIds, logitsOf } =
  await modules(
    'formats/log-prob-json/listed-row',
    'measure/known-row',
    'metrics/known-ids',
    'metrics/log-probs',
    'measure/measure-known',
    'compare/judge-bounds',
    'snapshots/stratified-ids',
    'dumps/logits-of',
  )

/** The ids that a side lists: its `k` most probable ones, or what `stratifiedIds` returns. */
const SETS = { 'k = 20': 20, 'k = 128': 128, 'k = 256': 256, 'k = 1000': 1000, 'stratified 256': undefined }

const LIMITS = { klDivergence: 0.005, totalVariation: 0.05, jensenShannonDivergence: 0.01 }
const METRICS = Object.keys(LIMITS)

/** How a server writes its values. Values in float32 are counted, the others are checked only. */
const WRITTEN = {
  float32: Math.fround,
  float64: (log) => log,
  '6 decimals': (log) => Number(log.toFixed(6)),
  '3 decimals': (log) => Number(log.toFixed(3)),
  '1 decimal': (log) => Number(log.toFixed(1)),
}
const OTHERS = Object.keys(WRITTEN).slice(1)

/** Rounding of the exact value itself, relative. */
const ROUNDING = 1e-13

const started = performance.now()
const rows = new Rows(seed, width)
const names = Object.keys(CHANGES)
const tallies = new Map()
const outside = []
const wrong = []
const rests = []
let [measured, intervals, refused] = [0, 0, 0]
let golden
for (let pair = 0; pair < pairs; pair++) {
  const name = names[pair % names.length]
  if (pair % names.length === 0) golden = goldenOf(Math.floor(pair / names.length))
  measurePair(golden, name, pair)
  measured++
}
print()
process.exitCode = outside.length + wrong.length === 0 ? 0 : 1

function goldenOf(number) {
  const row = rows.golden(number)
  const logs = logSoftmax(row)
  const ranked = Array.from(row.keys()).sort((a, b) => row[b] - row[a])
  rests.push(1 - ranked.slice(0, 20).reduce((sum, id) => sum + Math.exp(logs[id]), 0))
  return { row, logs, ranked, whole: knownOf(logProbsOf(row)), fixed: stratifiedIds(logitsOf(tensorOf(row)), 256) }
}

function tensorOf(row) {
  return { data: row, dims: [1, row.length], dtype: 'float32' }
}

function measurePair(one, name, pair) {
  const form = OTHERS[pair % OTHERS.length]
  const facts = { ranked: one.ranked, random: rows.random, normals: rows.normals(), id: rows.id() }
  const row = CHANGES[name](one.row, { ...facts, other: () => rows.golden(rows.id()) })
  const logs = logSoftmax(row)
  const exact = exactDivergences(one.logs, logs)
  const limits = { ...LIMITS, klDivergence: FAULTS[name]?.klLimit ?? LIMITS.klDivergence }
  const isOver = METRICS.some((metric) => exact[metric] >= limits[metric])
  countIn(`fault: ${name}`, 'whole rows', isOver)
  const most = mostProbable(row, 1000)
  const listsOf = (count, form) => {
    const [dumpIds, goldenIds] = count ? [most, one.ranked].map((ids) => ids.slice(0, count)) : [one.fixed, one.fixed]
    return {
      dump: listed(logs, dumpIds, count !== undefined, form),
      both: listed(one.logs, goldenIds, count !== undefined, form),
    }
  }
  for (const [set, count] of Object.entries(SETS)) {
    const { dump, both } = listsOf(count, 'float32')
    for (const [side, known] of Object.entries({ whole: one.whole, listed: both })) {
      const place = `${name}, ${set}, ${side} golden`
      const bounded = bound(known, dump, exact, place)
      judge(bounded, exact, limits, { name, set, side, isOver, place })
    }
  }
  // Only checked: other ways to write the values, and few ids without the most probable ones.
  const { dump, both } = listsOf(Object.values(SETS)[pair % 5], form)
  const ids = [one.ranked[0], facts.id, most[0], rows.id()].slice(pair % 4, (pair % 4) + 1 + (pair % 3))
  const few = [...new Set(ids)]
  const fewIn = (values) => listed(values, few, false, form)
  bound(one.whole, dump, exact, `${name}, ${form}, whole golden`)
  bound(both, dump, exact, `${name}, ${form}, listed golden`)
  bound(one.whole, fewIn(logs), exact, `${name}, ${form}, few ids, whole golden`)
  bound(fewIn(one.logs), fewIn(logs), exact, `${name}, ${form}, few ids, listed golden`)
}

/** @returns undefined if a side was refused: rounded up, its probabilities sum to more than 1 */
function bound(known, dump, exact, place) {
  if (!known || !dump) {
    refused++
    return undefined
  }
  const bounded = boundKnown(known, dump)
  check(bounded.bounds, exact, place)
  return bounded
}

function check(bounds, exact, place) {
  for (const metric of METRICS) {
    const [{ lo, hi }, value] = [bounds[metric], exact[metric]]
    intervals++
    const slack = Number.isFinite(value) ? ROUNDING * (1 + value) : 0
    if (!(lo <= value + slack && hi >= value - slack)) outside.push(`${place}: ${metric} ${value} in [${lo}, ${hi}]`)
  }
}

/** What is decided by each limit alone, and by all together. */
function judge(bounded, exact, limits, { name, set, side, isOver, place }) {
  const open = { ...bounded, bounds: { ...bounded.bounds, klDivergence: { lo: 0, hi: Number.POSITIVE_INFINITY } } }
  for (const metric of METRICS) {
    const limit = limits[metric]
    const isKl = metric === 'klDivergence'
    const { verdict } = isKl
      ? judgeBounds(bounded, { klDivergence: limit }, {}, true)
      : judgeBounds(open, { klDivergence: limit }, { [metric]: limit }, false)
    const isBad = exact[metric] >= limit
    if (verdict === (isBad ? 'pass' : 'over-threshold')) wrong.push(`${place}: ${metric} ${exact[metric]}, ${verdict}`)
    const key = `${set} ${side} ${metric}`
    if (name === HONEST) countIn(key, 'honest', verdict !== 'undecided')
    else if (isBad) countIn(key, 'over', verdict === 'over-threshold')
    else countIn(key, 'under', verdict === 'pass')
  }
  const { klDivergence, ...others } = limits
  const { verdict } = judgeBounds(bounded, { klDivergence }, others, false)
  // A default limit of the KL divergence fails what is certainly over it, and does not keep the others from a pass.
  const isOverOther = METRICS.some((metric) => metric !== 'klDivergence' && exact[metric] >= limits[metric])
  if (verdict === 'pass' ? isOverOther : verdict === 'over-threshold' && !isOver)
    wrong.push(`${place}: all limits, ${verdict}`)
  if (side === 'whole') countIn(`fault: ${name}`, set, verdict === 'over-threshold')
}

function countIn(key, part, isCounted) {
  const counts = tallies.get(key) ?? {}
  tallies.set(key, counts)
  counts[part] ??= [0, 0]
  if (isCounted) counts[part][0]++
  counts[part][1]++
}

function share([some, all] = [0, 0]) {
  if (all === 0) return '–'
  if (some === 0 || some === all) return `${(100 * some) / all} %`
  return `${Math.min(99.9, Math.max(0.1, (100 * some) / all)).toFixed(1)} %`
}

function print() {
  const [sets, kinds] = [Object.keys(SETS), ['honest', 'under', 'over']]
  rests.sort((a, b) => a - b)
  const rest = [0, 0.25, 0.5, 0.75, 1].map((part) => rests[Math.round(part * (rests.length - 1))].toPrecision(2))
  console.log(
    `${measured} pairs for each set of ids, vocabulary of ${width}, seed ${seed}; beyond the golden's twenty most`,
  )
  console.log(`probable ids lies ${rest.join(', ')} of the probability (quartiles).`)
  for (const [side, title] of [
    ['whole', 'The golden is a whole row, the dump lists some ids'],
    ['listed', 'Both sides list some ids'],
  ]) {
    console.log(`\n### ${title}\n\nShare of the pairs that the limit of one metric decides:\n`)
    const header = METRICS.flatMap((metric) => kinds.map((kind) => `${metric}, ${kind}`))
    const cells = (set) =>
      METRICS.flatMap((metric) => kinds.map((kind) => share(tallies.get(`${set} ${side} ${metric}`)?.[kind])))
    console.log(
      markdown(
        ['ids', ...header],
        sets.map((set) => [set, ...cells(set)]),
      ),
    )
  }
  console.log('\n### Planted faults\n\nShare of the pairs that fail, with all three limits and a whole golden:\n')
  const columns = [...sets, 'whole rows']
  const faults = [HONEST, ...Object.keys(FAULTS)]
  const cells = (name) => columns.map((column) => share(tallies.get(`fault: ${name}`)?.[column]))
  console.log(
    markdown(
      ['fault', ...columns],
      faults.map((name) => [name, ...cells(name)]),
    ),
  )
  console.log(
    `\n${intervals} intervals, ${outside.length} without the exact value; ${wrong.length} wrong verdicts; ${refused} lists refused.`,
  )
  for (const line of [...outside.slice(0, 20), ...wrong.slice(0, 20)]) console.log(`- ${line}`)
  console.log(`${Math.round((performance.now() - started) / 1000)} s`)
}

/** The ids with the highest logits, the highest first. */
function mostProbable(row, count) {
  const least = row.toSorted()[row.length - count]
  const [above, equal] = [[], []]
  for (let id = 0; id < row.length; id++) {
    if (row[id] > least) above.push(id)
    else if (row[id] === least) equal.push(id)
  }
  return [...above.sort((a, b) => row[b] - row[a]), ...equal].slice(0, count)
}

/** As the product reads it in the answer of a server. @param isTop the ids are the most probable ones */
function listed(logs, ids, isTop, form) {
  const entries = ids.map((id) => [id, WRITTEN[form](logs[id])])
  const row = rowOf(entries, isTop ? lowestOf(entries.map(([, log]) => log)) : undefined)
  if (row.problem !== undefined) return undefined
  return knownRow(row, roundingOf([row]))
}
