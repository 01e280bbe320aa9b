import { type Dtype, itemSize } from '../../src/tensor/dtype.js'
import { zip } from '../formats/build/zip.js'
import { generateAnswer } from './answer-grammar.js'
import { generateNpy, generateSafetensors } from './array-grammar.js'
import { type Choices, chance, pick } from './choices.js'
import { entriesOf, type loadCorpus, type RealEntry, type RealFile } from './corpus.js'
import { type Expected, examine, Finding, type Outcome } from './examine.js'
import { generateBin, generateLegacy, generateZip } from './file-grammar.js'
import { generateGolden } from './golden-grammar.js'
import { generateKld, judgeKld } from './kld-grammar.js'
import { mutate } from './mutate.js'
import { generateOnnx } from './onnx-grammar.js'

export type Corpus = ReturnType<typeof loadCorpus>

/** One input: its bytes, and how its outcome is checked. */
export interface Input {
  bytes: Uint8Array
  expected?: Expected
  /** @throws Finding if the outcome is wrong */
  judge?(outcome: Outcome): void
}

/** The kinds of input: how each is made, and its share of a run. */
export const KINDS: Readonly<Record<string, { share: number; make(choices: Choices, corpus: Corpus): Input }>> = {
  'torch zip, mutated': { share: 25, make: (choices, corpus) => mutatedZip(choices, corpus.zip) },
  'torch zip, mutated pickle': { share: 20, make: (choices, corpus) => mutatedRecord(choices, corpus) },
  'torch zip, generated': { share: 25, make: (choices) => generateZip(choices, pick(choices, [0, 15, 60])) },
  'legacy torch, mutated': { share: 10, make: (choices, corpus) => mutatedLegacy(choices, corpus) },
  'legacy torch, generated': { share: 8, make: (choices) => generateLegacy(choices, pick(choices, [0, 15, 60])) },
  '.npy, mutated': { share: 6, make: (choices, corpus) => mutatedArray(choices, corpus.npy) },
  '.npy, generated': { share: 6, make: (choices) => generateNpy(choices, pick(choices, [0, 15, 60])) },
  '.npz, mutated': { share: 8, make: (choices, corpus) => mutatedZip(choices, corpus.npz) },
  '.npz, mutated array': { share: 6, make: (choices, corpus) => mutatedMember(choices, corpus.npz) },
  'safetensors, mutated': { share: 6, make: (choices, corpus) => mutatedArray(choices, corpus.safetensors) },
  'safetensors, generated': { share: 6, make: (choices) => generateSafetensors(choices, pick(choices, [0, 15, 60])) },
  'ONNX, mutated': { share: 6, make: (choices, corpus) => mutatedOnnx(choices, corpus.pb) },
  'ONNX, generated': { share: 6, make: (choices) => generateOnnx(choices, pick(choices, [0, 15, 60])) },
  '.kld, mutated': { share: 6, make: (choices, corpus) => mutatedKld(choices, corpus) },
  '.kld, generated': { share: 6, make: (choices) => generateKld(choices, pick(choices, [0, 15, 60])) },
  'answers, generated': { share: 6, make: (choices) => generateAnswer(choices, pick(choices, [0, 15, 60])) },
  'golden logits, generated': { share: 6, make: (choices) => generateGolden(choices, pick(choices, [0, 15, 60])) },
  '.bin, mutated': { share: 6, make: (choices, corpus) => mutatedBin(choices, corpus) },
  '.bin, generated': { share: 6, make: (choices) => generateBin(choices, pick(choices, [0, 15, 60])) },
}

const SHARES = Object.entries(KINDS).flatMap(([kind, { share }]) => Array.from({ length: share }, () => kind))

export function kindOf(choices: Choices): string {
  return pick(choices, SHARES)
}

/** Makes one input and examines it. */
export function runInput(kind: string, choices: Choices, corpus: Corpus, keep?: (bytes: Uint8Array) => void): Outcome {
  const { bytes, expected, judge } = KINDS[kind]!.make(choices, corpus)
  keep?.(bytes)
  const outcome = examine(bytes, expected)
  judge?.(outcome)
  return outcome
}

const anyOf = (choices: Choices, files: readonly RealFile[]) => pick(choices, files)

/**
 * An archive with bytes changed anywhere. Its CRCs cover all bytes of a tensor: if it can still be read, it reads as
 * before, unless the change removed a CRC or renamed a record.
 */
function mutatedZip(choices: Choices, files: readonly RealFile[]): Input {
  const file = anyOf(choices, files)
  const bytes = mutate(file.bytes, choices, file.fields, anyOf(choices, files).bytes)
  return {
    bytes,
    judge(outcome) {
      if (!('reading' in outcome) || sameReading(outcome.reading, file.reading)) return
      const entries = entriesOf(bytes)
      if (isCovered(entries, file.entries))
        throw new Finding(`a damaged ${file.name} read as ${outcome.reading}, not as ${file.reading}`)
    },
  }
}

/** Whether the same records have the same non-zero CRCs as before. */
function isCovered(entries: readonly RealEntry[], before: readonly RealEntry[]): boolean {
  const describe = (all: readonly RealEntry[]) =>
    all
      .map(({ name, crc, size }) => `${name} ${crc} ${size}`)
      .sort()
      .join('\n')
  return describe(entries) === describe(before) && entries.every(({ crc, size }) => crc !== 0 || size === 0)
}

const sameReading = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((one, i) => one === b[i])

/** An archive whose pickle or another record was changed, with correct CRCs and sizes. */
function mutatedRecord(choices: Choices, corpus: Corpus): Input {
  const file = anyOf(choices, corpus.zip)
  const other = anyOf(choices, corpus.zip)
  const entries = file.entries.filter(({ deflated }) => !deflated)
  const pickle = entries.findIndex(({ name }) => name.endsWith('/data.pkl'))
  const changed = chance(choices, 85) ? pickle : choices.int(entries.length)
  const records = entries.map((entry, i) => {
    const content = file.bytes.subarray(entry.start, entry.start + entry.size)
    if (i !== changed) return { name: entry.name, content }
    const { start, size } = pick(choices, other.entries)
    const piece = size > 0 ? other.bytes.subarray(start, start + size) : other.bytes
    return { name: entry.name, content: mutate(content, choices, [], piece) }
  })
  return { bytes: zip(records) }
}

/** An archive of NumPy with one of its members changed, with correct CRCs and sizes. */
function mutatedMember(choices: Choices, files: readonly RealFile[]): Input {
  const file = anyOf(
    choices,
    files.filter(({ entries }) => entries.some(({ deflated }) => !deflated)),
  )
  const entries = file.entries.filter(({ deflated }) => !deflated)
  const changed = choices.int(entries.length)
  const records = entries.map((entry, i) => {
    const content = file.bytes.subarray(entry.start, entry.start + entry.size)
    const header = Array.from({ length: Math.min(128, content.length) }, (_, at) => at)
    return { name: entry.name, content: i === changed ? mutate(content, choices, header, file.bytes) : content }
  })
  return { bytes: zip(records) }
}

/** These two formats have no CRC: a file must be refused or read, with the same values in parts of any size. */
function mutatedLegacy(choices: Choices, corpus: Corpus): Input {
  const file = anyOf(choices, corpus.legacy)
  return { bytes: mutate(file.bytes, choices, file.fields, anyOf(choices, corpus.legacy).bytes) }
}

function mutatedBin(choices: Choices, corpus: Corpus): Input {
  const file = anyOf(choices, corpus.bin)
  const bytes = mutate(file.bytes, choices, file.fields, anyOf(choices, corpus.bin).bytes)
  return { bytes, judge: (outcome) => 'reading' in outcome && judgeBin(bytes) }
}

function mutatedKld(choices: Choices, corpus: Corpus): Input {
  const file = anyOf(choices, corpus.kld)
  const bytes = mutate(file.bytes, choices, file.fields, anyOf(choices, corpus.kld).bytes)
  return { bytes, judge: (outcome) => judgeKld(bytes, outcome) }
}

/** Parses the header independently: dtype and dims must give exactly the elements of the file. */
function judgeBin(bytes: Uint8Array): void {
  const text = Buffer.from(bytes).toString('latin1')
  const header = text.slice(0, text.indexOf('\n$End=1\n') + 8)
  const item = ({ 0: 4, 1: 2, 2: 1, 3: 4, 4: 1, 6: 2, 9: 8, 11: 8, 12: 1, 27: 2 } as Record<string, number>)[
    /^dtype=(\d+)$/m.exec(header)![1]!
  ]!
  const count = /^dims=([\d,]+)$/m
    .exec(header)![1]!
    .split(',')
    .reduce((product, size) => product * BigInt(size), 1n)
  if (count * BigInt(item) !== BigInt(bytes.length - header.length))
    throw new Finding(`a header of ${count} x ${item} bytes read over ${bytes.length - header.length}`)
}

/** Without a checksum, a changed file may read as other numbers, but as exactly as many bytes as it has. */
function mutatedArray(choices: Choices, files: readonly RealFile[]): Input {
  const file = anyOf(choices, files)
  const bytes = mutate(file.bytes, choices, file.fields, anyOf(choices, files).bytes)
  return {
    bytes,
    judge(outcome) {
      if (!('reading' in outcome)) return
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      const isNpy = bytes[0] === 0x93
      const header = isNpy
        ? bytes[6] === 1
          ? 10 + view.getUint16(8, true)
          : 12 + view.getUint32(8, true)
        : 8 + view.getUint32(0, true)
      const total = outcome.reading.reduce((sum, line) => sum + bytesOfReading(line), 0n)
      if (total !== BigInt(bytes.length - header)) {
        throw new Finding(`${outcome.reading} are ${total} bytes, read over ${bytes.length - header}`)
      }
    },
  }
}

/** A tensor of ONNX that was read holds no more elements than the file has bytes. */
function mutatedOnnx(choices: Choices, files: readonly RealFile[]): Input {
  const file = anyOf(choices, files)
  const bytes = mutate(file.bytes, choices, file.fields, anyOf(choices, files).bytes)
  return {
    bytes,
    judge(outcome) {
      if (!('reading' in outcome)) return
      for (const line of outcome.reading) {
        // A varint of any element has at least one byte.
        if (bytesOfReading(line) > 8n * BigInt(bytes.length)) throw new Finding(`${line} of ${bytes.length} bytes`)
      }
    },
  }
}

/** The bytes of a tensor by its description, `{name} {dtype} [{shape}] {digest}`. */
function bytesOfReading(line: string): bigint {
  const [, dtype, shape] = / (\w+) \[([\d,]*)\] \d+$/.exec(line)!
  const sizes = shape === '' ? [] : shape!.split(',')
  return sizes.reduce((product, size) => product * BigInt(size), BigInt(itemSize(dtype as Dtype)))
}
