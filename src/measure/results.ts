import type { List } from '../lib/lazy-list.js'
import { informationProblem } from '../metrics/information.js'
import type { OptionalKey } from '../metrics/optional/table.js'
import type { RowNoise } from '../metrics/row-noise.js'
import type { MetricKey } from '../metrics/table.js'
import type { RowStats } from '../metrics/types.js'
import { isMeasured, type MeasuredOutcome, type Outcome, type SideFacts } from './outcome.js'
import { type PairShape, PairShapes } from './pair-shape.js'
import {
  copyRecord,
  isFlipRecord,
  metricOfRecord,
  RECORD_BYTES,
  type RecordMemory,
  readNoise,
  readRecord,
  recordMemory,
  shapeOfRecord,
  statsOfRecord,
  writeRecord,
} from './record.js'
import type { StepPair } from './step-pair.js'

/** Memory is taken for this many records at a time. */
const CHUNK = 2048

/** A step with what its rows gave; `outcome` is absent if only one side has the step. */
export interface MeasuredPair extends StepPair {
  readonly outcome?: Outcome
}

/**
 * The outcomes of a comparison by the index of their pair: of a measured pair a record of numbers (`RECORD_BYTES`), of any
 * other an object. An outcome is made each time it is asked for. All of it is made by this thread, none by the one that
 * measured: a message from another thread belongs to the main context, and in a runner's environment that has its own,
 * `instanceof Array` or `assert.deepStrictEqual` would distinguish it from what this thread made.
 */
export class Results implements List<MeasuredPair> {
  readonly shapes = new PairShapes()
  private readonly pairs: List<StepPair>
  private readonly chunks: RecordMemory[] = []
  private readonly chunkLength: number
  private readonly others = new Map<number, Outcome>()
  private readonly keys: readonly OptionalKey[]

  /** @param keys the optional metrics that need both rows */
  constructor(pairs: List<StepPair>, keys: readonly OptionalKey[] = []) {
    this.pairs = pairs
    this.keys = keys
    this.chunkLength = Math.min(CHUNK, pairs.length)
  }

  get length(): number {
    return this.pairs.length
  }

  has(index: number): boolean {
    return this.shapeNumber(index) >= 0 || this.others.has(index)
  }

  put(index: number, outcome: Outcome): void {
    if (isMeasured(outcome)) {
      writeRecord(this.chunkFor(index), this.inChunk(index), outcome, this.shapes.numberOf(outcome))
    } else {
      const { golden, dump, ...rest } = copyOf(outcome)
      // The pair's steps hold the files and layers already.
      this.others.set(index, { golden: { ...golden, files: [] }, dump: { ...dump, files: [] }, ...rest } as Outcome)
    }
  }

  /** Takes over a record that another thread wrote; its shape has the same number here. */
  putRecord(index: number, memory: RecordMemory, from: number): void {
    copyRecord(memory, from, this.chunkFor(index), this.inChunk(index))
  }

  at(index: number): MeasuredPair | undefined {
    const pair = this.pairs.at(index)
    const outcome = pair && this.outcomeOf(index, pair)
    if (!pair || !outcome) return pair
    const { step, position, golden, dump } = pair
    if (position === undefined) return { step, golden: golden!, dump: dump!, outcome }
    return { step, position, golden: golden!, dump: dump!, outcome }
  }

  stepAt(index: number): number {
    return this.pairs.at(index)!.step
  }

  *[Symbol.iterator](): Generator<MeasuredPair> {
    for (let i = 0; i < this.length; i++) yield this.at(i)!
  }

  /** The shape of a measured pair whose record says all but its numbers; undefined if it has notes or a cut, or was not measured. */
  plainShape(index: number): PairShape | undefined {
    const number = this.shapeNumber(index)
    const shape = number < 0 ? undefined : this.shapes.at(number)
    return shape && shape.notes.length === 0 && !shape.cut ? shape : undefined
  }

  /** Whether both rows of a measured pair say something about a model. */
  hasInformation(index: number): boolean {
    const chunk = this.chunkOf(index)!
    const at = this.inChunk(index)
    const { golden, dump } = this.shapes.at(shapeOfRecord(chunk, at))
    return (
      informationProblem(statsOfRecord(chunk, at, 'golden'), golden.shape[1]!) === undefined &&
      informationProblem(statsOfRecord(chunk, at, 'dump'), dump.shape[1]!) === undefined
    )
  }

  /** Facts of one row of a measured pair; undefined if it was not measured. */
  stats(index: number, side: 'golden' | 'dump'): Pick<RowStats, 'max' | 'min' | 'mean' | 'top1'> | undefined {
    if (this.shapeNumber(index) >= 0) return statsOfRecord(this.chunkOf(index)!, this.inChunk(index), side)
    const outcome = this.others.get(index)
    return outcome?.kind === 'compared' && outcome.rows.kind === 'measured' ? outcome.rows[side] : undefined
  }

  /** A metric of a measured pair. */
  metric(index: number, key: MetricKey): number {
    return metricOfRecord(this.chunkOf(index)!, this.inChunk(index), key)
  }

  /** Whether the two sides of a measured pair prefer different vocab ids. */
  hasFlip(index: number): boolean {
    return isFlipRecord(this.chunkOf(index)!, this.inChunk(index))
  }

  /** The step and position of a pair. */
  pairAt(index: number): Pick<StepPair, 'step' | 'position'> {
    return this.pairs.at(index)!
  }

  /** The noise of a pair; undefined if nothing is known of it. */
  noiseAt(index: number): RowNoise | undefined {
    const chunk = this.chunkOf(index)
    return chunk && shapeOfRecord(chunk, this.inChunk(index)) >= 0 ? readNoise(chunk, this.inChunk(index)) : undefined
  }

  private outcomeOf(index: number, pair: StepPair): Outcome | undefined {
    const number = this.shapeNumber(index)
    if (number >= 0) return this.measuredOf(index, pair, this.shapes.at(number))
    const outcome = this.others.get(index)
    if (!outcome) return undefined
    const golden = { ...outcome.golden, files: pair.golden!.files, layer: pair.golden!.layer }
    const dump = { ...outcome.dump, files: pair.dump!.files, layer: pair.dump!.layer }
    return { ...outcome, golden, dump } as Outcome
  }

  /** Field by field: a spread would cost as much as all the rest. */
  private measuredOf(index: number, pair: StepPair, { golden: g, dump: d, notes, cut }: PairShape): MeasuredOutcome {
    const { files, layer } = pair.golden!
    const golden: SideFacts = { files, layer, dtype: g.dtype, fileShape: g.fileShape, shape: g.shape }
    const { files: others, layer: otherLayer } = pair.dump!
    const dump: SideFacts = { files: others, layer: otherLayer, dtype: d.dtype, fileShape: d.fileShape, shape: d.shape }
    if (g.kind) golden.kind = g.kind
    if (d.kind) dump.kind = d.kind
    if (g.savedFrom) golden.savedFrom = g.savedFrom
    if (d.savedFrom) dump.savedFrom = d.savedFrom
    const record = readRecord(this.chunkOf(index)!, this.inChunk(index))
    const outcome: MeasuredOutcome = { golden, dump, notes, kind: 'compared', rows: record.rows }
    if (record.noise) outcome.noise = record.noise
    if (record.optional) outcome.optional = record.optional
    if (cut) outcome.cut = { ...record.cut, ...cut }
    return outcome
  }

  private shapeNumber(index: number): number {
    const chunk = this.chunkOf(index)
    return chunk ? shapeOfRecord(chunk, this.inChunk(index)) : -1
  }

  private chunkOf(index: number): RecordMemory | undefined {
    return this.chunks[Math.floor(index / this.chunkLength)]
  }

  private chunkFor(index: number): RecordMemory {
    const number = Math.floor(index / this.chunkLength)
    this.chunks[number] ??= recordMemory(new ArrayBuffer(this.chunkLength * RECORD_BYTES), this.keys)
    return this.chunks[number]
  }

  private inChunk(index: number): number {
    return index % this.chunkLength
  }
}

/** A copy of plain data. */
function copyOf<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return Array.from(value, copyOf) as T
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) copy[key] = copyOf((value as Record<string, unknown>)[key])
  return copy as T
}
