import type { ByteSource } from '../io/byte-source.js'
import { areEqual, type Limits, resolveLimits } from '../io/limits.js'
import { holdsRuns, RecordedSource, type Run } from '../io/recorded-source.js'
import type { LazyTensor } from '../tensor/tensor.js'
import { readAtbBin } from './atb-bin.js'
import { detectFormat, type Format, isTar } from './detect.js'
import { storageTensor } from './storage-tensor.js'
import { type Checksum, newChecks, type StoredTensor } from './stored-tensor.js'
import { readTorchLegacy } from './torch-legacy.js'
import { readTorchZip } from './torch-zip.js'

const READERS: Readonly<Record<Format, (source: ByteSource, limits: Limits) => StoredTensor[]>> = {
  'torch-zip': readTorchZip,
  'torch-legacy': readTorchLegacy,
  'atb-bin': readAtbBin,
}

/**
 * Every tensor of an open file, in stored order, at least one. They are read from this source, while it is open.
 * @param checksum what computes the CRCs of whatever is read into its own memory the fastest
 * @throws GoldenLogitsError for whatever is wrong with the file
 */
export function openTensors(source: ByteSource, limits?: Partial<Limits>, checksum?: Checksum): LazyTensor[] {
  const budget = resolveLimits(limits)
  const checks = newChecks(checksum)
  return recallStored(source, budget).map(({ found, open }) =>
    storageTensor(found, () => ({ bytes: open(source, checks), close: () => undefined }), source.file, budget),
  )
}

/** What was found in a file, and the bytes that it was found by. */
interface Remembered {
  readonly format: Format
  readonly size: number
  readonly runs: readonly Run[]
  readonly limits: Limits
  readonly stored: StoredTensor[]
}

/** A dump's files are alike but for their numbers: a few kinds are remembered, those of both sides and of odd steps. */
const KINDS = 4
let remembered: readonly Remembered[] = []

/**
 * As `findStored`, but a file in which every byte that its reader looked at equals that of one read before, of the same
 * size, is not read again: the same would come of it. CRCs are not among those bytes; they are held anew for each file.
 */
function recallStored(source: ByteSource, limits: Limits): StoredTensor[] {
  for (let i = 0; i < remembered.length; i++) {
    const kind = remembered[i]!
    if (kind.size === source.size && areEqual(kind.limits, limits) && isSameKind(source, kind)) return kind.stored
  }
  const format = detectFormat(source)
  const recorded = new RecordedSource(source)
  const stored = READERS[format](recorded, limits)
  const runs = recorded.runs()
  if (runs) remembered = [{ format, size: source.size, runs, limits, stored }, ...remembered.slice(0, KINDS - 1)]
  return stored
}

/** All that a format is known by lies in what its reader reads, too, but for the place where a tar archive names itself. */
function isSameKind(source: ByteSource, { format, runs }: Remembered): boolean {
  return holdsRuns(source, runs) && (format === 'torch-zip' || !isTar(source))
}

/** The tensors of a file and the way to their elements, which need not be the source they were found in. */
export function findStored(source: ByteSource, limits: Limits): StoredTensor[] {
  return READERS[detectFormat(source)](source, limits)
}
