// Goldens, and what a tested side may do to them: honest rounding, planted faults, and rows made to break bounds.
import { generator, normal } from '../trust/simulator.mjs'

/** This many normal numbers are drawn once; rows are parts of them. */
const DRAWN = 2 ** 20

const FLOAT = new Float32Array(1)
const BITS = new Uint32Array(FLOAT.buffer)

/** Rows of logits in float32. */
export class Rows {
  constructor(seed, width) {
    this.width = width
    this.random = generator(seed)
    this.drawn = Float32Array.from({ length: DRAWN }, () => normal(this.random))
  }

  normals() {
    const start = Math.floor(this.random() * (DRAWN - this.width))
    return this.drawn.subarray(start, start + this.width)
  }

  id() {
    return Math.floor(this.random() * this.width)
  }

  /** One of several shapes, from flat to peaked: a normal body, and some high logits as a language model gives them. */
  golden(number) {
    const { spread, heads, height, mask } = SHAPES[number % SHAPES.length]
    const row = this.normals().map((z) => spread * z)
    for (let i = 0; i < heads; i++) row[this.id()] += height * (0.4 + 0.6 * this.random())
    if (mask !== undefined) for (let i = 0; i < this.width / 10; i++) row[this.id()] = mask
    return row
  }
}

const SHAPES = [
  { spread: 2, heads: 8, height: 15 },
  { spread: 2.5, heads: 3, height: 20 },
  { spread: 3, heads: 0, height: 0 },
  { spread: 1.5, heads: 20, height: 14 },
  { spread: 5, heads: 0, height: 0 },
  { spread: 2, heads: 8, height: 12 },
  { spread: 1, heads: 0, height: 0 },
  { spread: 2.5, heads: 5, height: 18, mask: Number.NEGATIVE_INFINITY },
  { spread: 2, heads: 1, height: 30, mask: -10000 },
]

/** What a change gets: the ids by their logits, the highest first; uniform and normal numbers; a random id; another golden. */
function each(change) {
  return (row) => row.map(change)
}

function noise(size) {
  return (row, { normals }) => row.map((logit, id) => logit + size * normals[id])
}

/** The first id of the last quarter of the vocabulary, which is the shard of the last of four ranks. */
const shardFrom = (row) => (row.length * 3) / 4

/** The logits of these ids, in another order. */
function permuted(row, ids, random) {
  const other = row.slice()
  for (let i = ids.length - 1; i > 0; i--) {
    const k = Math.floor(random() * (i + 1))
    ;[other[ids[i]], other[ids[k]]] = [other[ids[k]], other[ids[i]]]
  }
  return other
}

function wrongShard(rank) {
  return (row, { ranked, random }) => {
    const ids = ranked.slice(rank).filter((id) => id >= shardFrom(row))
    return permuted(row, ids, random)
  }
}

function set(row, ids, change) {
  const other = row.slice()
  for (const id of ids) other[id] = change(row[id])
  return other
}

/** An id that is far from the head. */
const tailId = ({ ranked, random }) => ranked[1000 + Math.floor(random() * (ranked.length - 1000))]

export function bfloat16(value) {
  if (!Number.isFinite(value)) return value
  FLOAT[0] = value
  BITS[0] = ((BITS[0] + 0x7fff + ((BITS[0] >>> 16) & 1)) >>> 16) << 16
  return FLOAT[0]
}

export const HONEST = 'honest: rounded to bf16'

/** Of these the share that fails is printed. `klLimit`: that of the precision, if it is not bf16. */
export const FAULTS = {
  'noise 0.1': { change: noise(0.1) },
  'noise 0.2': { change: noise(0.2) },
  'noise 0.5': { change: noise(0.5) },
  'bf16 in a build for fp16': { change: each(bfloat16), klLimit: 0.0001 },
  'logits scaled by 1.1': { change: each((logit) => 1.1 * logit) },
  'wrong shard beyond rank 20': { change: wrongShard(20) },
  'wrong shard beyond rank 1000': { change: wrongShard(1000) },
  'shard + 2 beyond rank 128': {
    change: (row, { ranked }) => {
      const ids = ranked.slice(128).filter((id) => id >= shardFrom(row))
      return set(row, ids, (logit) => logit + 2)
    },
  },
  'one tail id + 4': { change: (row, to) => set(row, [tailId(to)], (logit) => logit + 4) },
  'one tail id to the top': { change: (row, to) => set(row, [tailId(to)], () => row[to.ranked[0]]) },
  'one tail id ruled out': { change: (row, to) => set(row, [tailId(to)], () => Number.NEGATIVE_INFINITY) },
}

/** Rows that may break bounds. */
const ADVERSARIES = {
  'the same': each((logit) => logit),
  'noise of any size': (row, to) => noise(10 ** (5 * to.random() - 4))(row, to),
  'noise of any size, again': (row, to) => noise(10 ** (3 * to.random() - 2))(row, to),
  'tail permuted': (row, { ranked, random }) => permuted(row, ranked.slice(Math.floor(random() * 1500)), random),
  'spikes in the tail': (row, to) => {
    const ids = Array.from({ length: 1 + Math.floor(9 * to.random()) }, () => tailId(to))
    return set(row, ids, (logit) => Math.max(logit, -100) + 20 * to.random())
  },
  mask: each((logit, id) => (id % 3 === 0 ? Number.NEGATIVE_INFINITY : logit)),
  'mask of a number': each((logit, id) => (id % 7 === 0 ? -65504 : logit)),
  'all but the head masked': (row, { ranked, random }) => {
    return set(row, ranked.slice(1 + Math.floor(random() * 300)), () => Number.NEGATIVE_INFINITY)
  },
  'huge factor': (row, { random }) => {
    const factor = 10 ** (1 + 5 * random())
    return row.map((logit) => factor * logit)
  },
  'a factor for each': (row, { random }) => row.map((logit) => logit * 10 ** (6 * random() - 1)),
  'tiny factor': (row, { random }) => {
    const factor = 10 ** (-4 * random())
    return row.map((logit) => (logit < -1000 ? logit : factor * logit))
  },
  'turned round': each((logit) => (Number.isFinite(logit) ? -logit : logit)),
  'all on one id': (row, { id }) => set(row, [id], () => 60),
  'the top ruled out': (row, { ranked }) => set(row, [ranked[0]], () => Number.NEGATIVE_INFINITY),
  'many equal': each((logit) => Math.round(logit)),
  'another row': (_, { other }) => other(),
  'first two exchanged': (row, { ranked, random }) => permuted(row, ranked.slice(0, 2), () => random() * 0.5),
}

/** All changes by name; each takes a golden and returns what the tested side has. */
export const CHANGES = {
  [HONEST]: each(bfloat16),
  ...Object.fromEntries(Object.entries(FAULTS).map(([name, { change }]) => [name, change])),
  ...ADVERSARIES,
}
