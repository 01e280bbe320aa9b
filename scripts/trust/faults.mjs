import { normal } from './simulator.mjs'

const onAll = (change) => (row, place) => change(row, place)
const onStep = (change) => (row, place) => (place.at === place.step ? change(row, place) : undefined)
const scaled = (factor) => (row) => row.map((logit) => factor * logit)
const noise =
  (size) =>
  (row, { random }) =>
    row.map((logit) => logit + size * normal(random))

/** Vocab ids by their logits, the highest first. */
function ranked(row, count) {
  const least = row.toSorted()[row.length - count]
  const ids = []
  for (let id = 0; id < row.length; id++) if (row[id] >= least) ids.push(id)
  return ids.sort((a, b) => row[b] - row[a]).slice(0, count)
}

function moved(row, id, by) {
  const other = row.slice()
  other[id] += by
  return other
}

/** Planted faults by name: each takes a row of logits before the last rounding and returns the faulty one, if it is faulty. */
export const FAULTS = {
  'scale 1.02 on a step': onStep(scaled(1.02)),
  'scale 1.02 on all': onAll(scaled(1.02)),
  'scale 1.1 on a step': onStep(scaled(1.1)),
  'scale 1.1 on all': onAll(scaled(1.1)),
  'shards swapped': onAll((row) => {
    const half = row.length / 2
    const other = row.slice()
    other.set(row.subarray(half), 0)
    other.set(row.subarray(0, half), half)
    return other
  }),
  'off by one': onAll((row) => {
    const other = row.slice()
    other.copyWithin(1, 0, row.length - 1)
    other[0] = row[row.length - 1]
    return other
  }),
  'stale step': onStep((_, { before }) => before),
  'zero shard': onAll((row) => row.slice().fill(0, row.length - row.length / 8)),
  'noise 0.1': onAll(noise(0.1)),
  'noise 0.2': onAll(noise(0.2)),
  'noise 0.3': onAll(noise(0.3)),
  'temperature 0.8': onAll(scaled(1 / 0.8)),
  'temperature 0.95': onAll(scaled(1 / 0.95)),
  'top-k mask': onAll((row) => {
    const kept = new Set(ranked(row, 50))
    return row.map((logit, id) => (kept.has(id) ? logit : -10000))
  }),
  'top-1/2 swapped': onStep((row) => {
    const [first, second] = ranked(row, 2)
    const other = row.slice()
    ;[other[first], other[second]] = [row[second], row[first]]
    return other
  }),
  'one id +1': onAll((row) => moved(row, 777, 1)),
  'one id +3': onAll((row) => moved(row, 777, 3)),
}
