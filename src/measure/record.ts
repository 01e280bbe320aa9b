import type { OptionalKey, OptionalMetrics } from '../metrics/optional/table.js'
import { type RowNoise, unknownNoise } from '../metrics/row-noise.js'
import { METRICS, type MetricKey, type Metrics } from '../metrics/table.js'
import type { MeasuredRows } from '../metrics/types.js'
import type { MeasuredOutcome } from './outcome.js'
import type { VocabCut } from './vocab-cut.js'

/** What a record holds of a measured pair. */
type Measured = Pick<MeasuredRows, 'metrics' | 'golden' | 'dump' | 'support'> & { cut: VocabCut }

interface Field {
  readonly type: 'float64' | 'float32' | 'int32'
  readonly part: keyof Measured
  readonly key: string
}

/** Every number of a record. Offsets, writing, reading and copying derive from this table. */
const FIELDS: readonly Field[] = [
  ...METRICS.map(({ key }) => field('float64', 'metrics', key)),
  ...(['golden', 'dump'] as const).flatMap((side) => [
    field('float64', side, 'mean'),
    field('float64', 'cut', `${side}Mass`),
    // Logits are float32.
    field('float32', side, 'max'),
    field('float32', side, 'min'),
    field('float32', side, 'logitAtOtherTop1'),
    field('int32', side, 'top1'),
  ]),
  field('int32', 'support', 'bothSuppressed'),
  field('int32', 'support', 'goldenOnly'),
  field('int32', 'support', 'dumpOnly'),
  field('int32', 'support', 'firstMismatch'),
]

function field<Part extends keyof Measured>(
  type: Field['type'],
  part: Part,
  key: keyof Measured[Part] & string,
): Field {
  return { type, part, key }
}

// 8-byte numbers first, so that all are aligned.
const WIDE = FIELDS.filter(({ type }) => type === 'float64')
const NARROW = FIELDS.filter(({ type }) => type !== 'float64')
/** Behind the fields, one more int32: the number of the pair's shape plus 1; 0 stands for no record. */
const SHAPE_AT = 2 * WIDE.length + NARROW.length

/** Bytes of a record: a multiple of 8. */
export const RECORD_BYTES = 8 * Math.ceil((SHAPE_AT + 1) / 2)

const WIDE_STRIDE = RECORD_BYTES / 8
const NARROW_STRIDE = RECORD_BYTES / 4

/** The numbers of a pair's noise, in the order in which they are kept. */
const NOISE_KEYS = Object.keys(unknownNoise()) as (keyof RowNoise)[]

/** Records of measured pairs, one after the other, in memory that threads may share: three views of the same bytes. */
export interface RecordMemory {
  readonly float64: Float64Array
  readonly float32: Float32Array
  readonly int32: Int32Array
  /** The noise of each pair, beside the records: `NOISE_KEYS`. NaN: not known. */
  readonly noise: Float32Array
  /** The optional metrics of each pair, in the order of `keys`; empty if none was asked for. NaN: not defined. */
  readonly optional: Float64Array
  readonly keys: readonly OptionalKey[]
}

/**
 * @param buffer room for a number of records. The noise and the optional metrics get buffers of the same kind
 * @param keys the optional metrics that need both rows
 */
export function recordMemory(buffer: ArrayBuffer | SharedArrayBuffer, keys: readonly OptionalKey[] = []): RecordMemory {
  const [float64, float32, int32] = [new Float64Array(buffer), new Float32Array(buffer), new Int32Array(buffer)]
  const count = Math.floor(buffer.byteLength / RECORD_BYTES)
  const room = (bytes: number) =>
    buffer instanceof ArrayBuffer ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes)
  const noise = new Float32Array(room(4 * NOISE_KEYS.length * count))
  return { float64, float32, int32, noise, optional: new Float64Array(room(8 * keys.length * count)), keys }
}

/** The part of a measured pair that holds a field; all its values are numbers. */
function partOf(measured: Measured, { part }: Field): Record<string, number> {
  return measured[part] as object as Record<string, number>
}

/** Cloned for each record, so that all have one hidden class: V8 keeps such objects smallest. */
const NO_METRICS = Object.fromEntries(METRICS.map(({ key }) => [key, 0.5])) as Record<MetricKey, number> as Metrics

const NO_CUT: VocabCut = { goldenColumns: 0, goldenMass: 0, dumpColumns: 0, dumpMass: 0 }

/** @param shape the number of the pair's shape in the reader's dictionary, from 0 */
export function writeRecord(
  memory: RecordMemory,
  index: number,
  { rows, cut, noise, optional }: MeasuredOutcome,
  shape: number,
): void {
  const { keys } = memory
  for (let i = 0; i < NOISE_KEYS.length; i++) {
    memory.noise[index * NOISE_KEYS.length + i] = noise ? noise[NOISE_KEYS[i]!] : Number.NaN
  }
  for (let i = 0; i < keys.length; i++) memory.optional[index * keys.length + i] = optional?.[keys[i]!] ?? Number.NaN
  const { metrics, golden, dump, support } = rows
  const measured: Measured = { metrics, golden, dump, support, cut: cut ?? NO_CUT }
  const wide = index * WIDE_STRIDE
  for (let i = 0; i < WIDE.length; i++) memory.float64[wide + i] = partOf(measured, WIDE[i]!)[WIDE[i]!.key]!
  const narrow = index * NARROW_STRIDE + 2 * WIDE.length
  for (let i = 0; i < NARROW.length; i++) {
    const field = NARROW[i]!
    const value = partOf(measured, field)[field.key]!
    if (field.type === 'float32') memory.float32[narrow + i] = value
    else memory.int32[narrow + i] = value
  }
  memory.int32[index * NARROW_STRIDE + SHAPE_AT] = shape + 1
}

/** What `writeRecord` was given, except the shape. */
export function readRecord(
  memory: RecordMemory,
  index: number,
): { rows: MeasuredRows; cut: VocabCut; noise: RowNoise | undefined; optional: OptionalMetrics | undefined } {
  const rows: MeasuredRows = {
    kind: 'measured',
    metrics: { ...NO_METRICS },
    golden: { max: 0, min: 0, mean: 0, top1: 0, top1Logit: 0, logitAtOtherTop1: 0 },
    dump: { max: 0, min: 0, mean: 0, top1: 0, top1Logit: 0, logitAtOtherTop1: 0 },
    support: { bothSuppressed: 0, goldenOnly: 0, dumpOnly: 0, firstMismatch: -1 },
  }
  const cut: VocabCut = { goldenColumns: 0, goldenMass: 0, dumpColumns: 0, dumpMass: 0 }
  const { metrics, golden, dump, support } = rows
  const measured: Measured = { metrics, golden, dump, support, cut }
  const wide = index * WIDE_STRIDE
  for (let i = 0; i < WIDE.length; i++) partOf(measured, WIDE[i]!)[WIDE[i]!.key] = memory.float64[wide + i]!
  const narrow = index * NARROW_STRIDE + 2 * WIDE.length
  for (let i = 0; i < NARROW.length; i++) {
    const field = NARROW[i]!
    partOf(measured, field)[field.key] = (field.type === 'float32' ? memory.float32 : memory.int32)[narrow + i]!
  }
  golden.top1Logit = golden.max
  dump.top1Logit = dump.max
  return { rows, cut, noise: readNoise(memory, index), optional: readOptional(memory, index) }
}

/** @returns undefined if nothing is known of it */
export function readNoise(memory: RecordMemory, index: number): RowNoise | undefined {
  const noise = unknownNoise()
  let isKnown = false
  for (let i = 0; i < NOISE_KEYS.length; i++) {
    const value = memory.noise[index * NOISE_KEYS.length + i]!
    noise[NOISE_KEYS[i]!] = value
    if (!Number.isNaN(value)) isKnown = true
  }
  return isKnown ? noise : undefined
}

function readOptional({ optional, keys }: RecordMemory, index: number): OptionalMetrics | undefined {
  if (keys.length === 0) return undefined
  return Object.fromEntries(keys.map((key, i) => [key, optional[index * keys.length + i]!]))
}

export function copyRecord(from: RecordMemory, fromIndex: number, to: RecordMemory, toIndex: number): void {
  const wide = fromIndex * WIDE_STRIDE
  to.float64.set(from.float64.subarray(wide, wide + WIDE_STRIDE), toIndex * WIDE_STRIDE)
  const noise = fromIndex * NOISE_KEYS.length
  to.noise.set(from.noise.subarray(noise, noise + NOISE_KEYS.length), toIndex * NOISE_KEYS.length)
  const optional = fromIndex * from.keys.length
  to.optional.set(from.optional.subarray(optional, optional + from.keys.length), toIndex * from.keys.length)
}

/** The number of a record's pair shape, from 0; −1 if there is no record. */
export function shapeOfRecord({ int32 }: RecordMemory, index: number): number {
  return int32[index * NARROW_STRIDE + SHAPE_AT]! - 1
}

/** The index of each metric in a record: the metrics are the first fields. */
const METRIC_AT = Object.fromEntries(METRICS.map(({ key }, at) => [key, at])) as Record<MetricKey, number>

/** One metric of a record, without the rest of it. */
export function metricOfRecord({ float64 }: RecordMemory, index: number, key: MetricKey): number {
  return float64[index * WIDE_STRIDE + METRIC_AT[key]]!
}

/** Where the row statistics of each side are. */
const STATS_AT = { golden: statsAt('golden'), dump: statsAt('dump') }

function statsAt(side: 'golden' | 'dump'): { mean: number; max: number; min: number; top1: number } {
  const at = (fields: readonly Field[], key: string) =>
    fields.findIndex((field) => field.part === side && field.key === key)
  const narrow = (key: string) => 2 * WIDE.length + at(NARROW, key)
  return { mean: at(WIDE, 'mean'), max: narrow('max'), min: narrow('min'), top1: narrow('top1') }
}

/** Whether the two sides of a record prefer different vocab ids. */
export function isFlipRecord({ int32 }: RecordMemory, index: number): boolean {
  const narrow = index * NARROW_STRIDE
  return int32[narrow + STATS_AT.golden.top1] !== int32[narrow + STATS_AT.dump.top1]
}

/** Mean, maximum, minimum and top-1 of one row, without the rest of the record. */
export function statsOfRecord(
  { float64, float32, int32 }: RecordMemory,
  index: number,
  side: 'golden' | 'dump',
): { mean: number; max: number; min: number; top1: number } {
  const { mean, max, min, top1 } = STATS_AT[side]
  const narrow = index * NARROW_STRIDE
  return {
    mean: float64[index * WIDE_STRIDE + mean]!,
    max: float32[narrow + max]!,
    min: float32[narrow + min]!,
    top1: int32[narrow + top1]!,
  }
}
