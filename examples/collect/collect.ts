/**
 * Collects the logits of a text-generation model that runs in onnxruntime-node (or onnxruntime-web), one token at a time.
 *
 *     import { logitsOf } from 'golden-logits'
 *     import { InferenceSession, Tensor } from 'onnxruntime-node'
 *     import { decode, writeDump } from './collect.ts'
 *
 *     const session = await InferenceSession.create('model.onnx')
 *     const golden = await decode(session, Tensor, [17, 3, 99], { steps: 12 })
 *     const tested = await decode(other, Tensor, [17, 3, 99], { steps: 12, forced: golden.ids }) // reads the same text
 *     expect(logitsOf(tested.logits)).toMatchGoldenLogits(logitsOf(golden.logits), { decoding: 'forced' })
 *     writeDump('dumps/golden', golden) // logits_0.npy, ids_0.npy, logits_1.npy …
 *
 * Each step feeds the complete text, so that a token does not depend on a cache.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A tensor, as onnxruntime makes it. */
export interface OrtTensor {
  readonly type: string
  readonly data: unknown
  readonly dims: readonly number[]
}

/** What is needed of `InferenceSession`. */
export interface OrtSession {
  readonly inputNames: readonly string[]
  readonly inputMetadata?: readonly OrtInput[]
  run(feeds: never): Promise<unknown>
}

/** `shape` has a name in place of each length that is not fixed. */
export interface OrtInput {
  readonly name: string
  readonly isTensor?: boolean
  readonly type?: string
  readonly shape?: readonly (number | string)[]
}

/** The class `Tensor` of onnxruntime. */
export type OrtTensorClass = new (type: never, data: never, dims: readonly number[]) => OrtTensor

export interface DecodeOptions {
  /** Number of tokens. */
  steps: number
  /** Ids to feed in place of the model's own, at least `steps - 1`: the ids of another run. */
  forced?: readonly number[]
  /** The id that ends the text, if it should end there. Forced text does not end. */
  eos?: number
  /** The name of the output with the logits. */
  output?: string
}

/** One row of logits of the vocabulary. */
export interface Row {
  readonly type: string
  readonly data: Numbers
  readonly dims: readonly [number]
}

export interface Decoded {
  /** The id with the highest logit at each step. */
  readonly ids: readonly number[]
  /** What `logitsOf` takes: the last row of each step. */
  readonly logits: readonly Row[]
}

type Numbers = Float32Array | Float64Array | Uint16Array

/** Runs the model once for each token. @throws Error if it has inputs or logits of an unknown kind */
export async function decode(
  session: OrtSession,
  Tensor: OrtTensorClass,
  prompt: readonly number[],
  { steps, forced, eos, output = 'logits' }: DecodeOptions,
): Promise<Decoded> {
  if (forced && forced.length < steps - 1) {
    throw new Error(`${steps} tokens need ${steps - 1} forced ids, got ${forced.length}`)
  }
  const text = [...prompt]
  const ids: number[] = []
  const logits: Row[] = []
  for (let step = 0; step < steps; step++) {
    const outputs = (await session.run(feedsOf(session, Tensor, text) as never)) as Record<string, OrtTensor>
    const row = lastRow(outputs, output)
    const id = highest(row)
    ids.push(id)
    logits.push(row)
    if (!forced && id === eos) break
    text.push(forced ? (forced[step] ?? id) : id)
  }
  return { ids, logits }
}

function feedsOf(session: OrtSession, Tensor: OrtTensorClass, text: readonly number[]): Record<string, OrtTensor> {
  const int64 = (values: readonly number[]) => {
    return new Tensor('int64' as never, BigInt64Array.from(values, BigInt) as never, [1, values.length])
  }
  const feeds: Record<string, OrtTensor> = {}
  for (const name of session.inputNames) {
    if (name === 'input_ids') feeds[name] = int64(text)
    else if (name === 'attention_mask') feeds[name] = int64(text.map(() => 1))
    else if (name === 'position_ids') feeds[name] = int64(text.map((_, position) => position))
    else if (name === 'use_cache_branch') feeds[name] = new Tensor('bool' as never, [false] as never, [1])
    else if (name.startsWith('past_key_values')) feeds[name] = emptyCache(session, Tensor, name)
    else throw new Error(`the model has the input ${name}, and only the usual ones of text generation are known`)
  }
  return feeds
}

/** A cache of no positions. */
function emptyCache(session: OrtSession, Tensor: OrtTensorClass, name: string): OrtTensor {
  const facts = session.inputMetadata?.find((input) => input.name === name)
  if (!facts?.shape || !facts.type) {
    throw new Error(`the shape of the input ${name} is unknown: use onnxruntime-node 1.21 or later`)
  }
  // The first length is the batch, any other open one the number of positions.
  const dims = facts.shape.map((length, axis) => (typeof length === 'number' ? length : axis === 0 ? 1 : 0))
  const data = facts.type === 'float16' ? new Uint16Array(0) : new Float32Array(0)
  return new Tensor(facts.type as never, data as never, dims)
}

function lastRow(outputs: Record<string, OrtTensor>, name: string): Row {
  const tensor = outputs[name]
  if (!tensor) throw new Error(`the model has no output ${name}; it has ${Object.keys(outputs).join(', ')}`)
  const { type, dims } = tensor
  const width = dims.at(-1) ?? 0
  if (!(type in DESCRIPTIONS))
    throw new Error(`${name} holds ${type}, and only ${Object.keys(DESCRIPTIONS).join(', ')} are known`)
  if (width === 0 || dims.slice(0, -2).some((length) => length !== 1)) {
    throw new Error(`${name} has the shape [${dims.join(', ')}]: expected one sequence, [1, positions, vocabulary]`)
  }
  const { data } = tensor as { data: Numbers }
  // Float16Array of newer versions of Node: the bits are kept.
  const bits = type === 'float16' ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data
  return { type, data: bits.slice(-width), dims: [width] }
}

function highest({ type, data }: Row): number {
  let best = 0
  const valueAt = (index: number) => (type === 'float16' ? halfOf(data[index]!) : data[index]!)
  for (let index = 1; index < data.length; index++) if (valueAt(index) > valueAt(best)) best = index
  return best
}

/** The value of the bits of a float16. */
function halfOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023]
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** Element types as .npy files name them. */
const DESCRIPTIONS: Readonly<Record<string, string>> = { float32: '<f4', float64: '<f8', float16: '<f2' }

/** Writes `logits_0.npy`, `ids_0.npy` … into a new folder. @throws Error if the folder holds files */
export function writeDump(folder: string, { ids, logits }: Decoded): void {
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new Error(`${folder} holds files: a dump is never written to twice; choose another folder`)
  }
  mkdirSync(folder, { recursive: true })
  logits.forEach(({ type, data, dims }, step) => {
    writeFileSync(join(folder, `logits_${step}.npy`), npy(DESCRIPTIONS[type]!, dims, data))
    writeFileSync(join(folder, `ids_${step}.npy`), npy('<i8', [1], BigInt64Array.of(BigInt(ids[step]!))))
  })
}

/** A file of version 1: its header is a Python dictionary, padded so that the data begins at a multiple of 64. */
function npy(description: string, dims: readonly number[], data: Numbers | BigInt64Array): Uint8Array {
  const header = `{'descr': '${description}', 'fortran_order': False, 'shape': (${dims.join(', ')},), }`
  const length = Math.ceil((header.length + 11) / 64) * 64 - 10
  const start = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${header.padEnd(length - 1)}\n`, 'latin1')
  start.writeUInt16LE(length, 8)
  return Buffer.concat([start, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)])
}
