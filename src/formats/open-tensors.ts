import { areEqual, type Budgets, resolveBudgets } from '../io/budgets.js'
import type { ByteSource } from '../io/byte-source.js'
import { RecordedSource } from '../io/recorded-source.js'
import type { LazyTensor } from '../tensor/tensor.js'
import { readAtbBin } from './atb-bin.js'
import { detectFormat, type Format } from './detect.js'
import { isSame, type KnownKind } from './file-kind.js'
import { storageTensor } from './storage-tensor.js'
import { type Checksum, newChecks, type StoredTensor } from './stored-tensor.js'
import { readTorchLegacy } from './torch-legacy.js'
import { readTorchZip } from './torch-zip.js'

const READERS: Readonly<Record<Format, (source: ByteSource, budgets: Budgets) => StoredTensor[]>> = {
  'torch-zip': readTorchZip,
  'torch-legacy': readTorchLegacy,
  'atb-bin': readAtbBin,
}

/** The tensors of an open file, in stored order, at least one. */
export interface OpenTensors {
  readonly tensors: LazyTensor[]
  /** What the file has in common with others; absent where that is too much to remember. */
  readonly kind: KnownKind | undefined
}

/**
 * Every tensor of an open file. They are read from this source, while it is open.
 * @param checksum what computes the CRCs of whatever is read into its own memory the fastest
 * @throws GoldenLogitsError for whatever is wrong with the file
 */
export function openTensors(source: ByteSource, budgets?: Partial<Budgets>, checksum?: Checksum): OpenTensors {
  const budget = resolveBudgets(budgets)
  const checks = newChecks(checksum)
  const known = knownKind(source, budget)
  const { stored, kind } = known ? { stored: known.stored, kind: known } : newKind(source, budget)
  const tensors: LazyTensor[] = []
  for (let i = 0; i < stored.length; i++) {
    const { found, open } = stored[i]!
    const opened = () => ({ bytes: open(source, checks), close: () => undefined })
    tensors.push(storageTensor(found, opened, source.file, budget))
  }
  return { tensors, kind }
}

/** A dump's files are alike but for their numbers: a few kinds are remembered, those of both sides and of odd steps. */
const KINDS = 4
let kinds: readonly KnownKind[] = []

function knownKind(source: ByteSource, budgets: Budgets): KnownKind | undefined {
  for (let i = 0; i < kinds.length; i++) {
    const kind = kinds[i]!
    if (areEqual(kind.budgets, budgets) && isSame(source, kind)) return kind
  }
  return undefined
}

function newKind(
  source: ByteSource,
  budgets: Budgets,
): { stored: readonly StoredTensor[]; kind: KnownKind | undefined } {
  const format = detectFormat(source)
  const recorded = new RecordedSource(source)
  const stored = READERS[format](recorded, budgets)
  const runs = recorded.runs()
  const kind = runs && { format, size: source.size, runs, own: recorded.own(runs), budgets, stored }
  if (kind) kinds = [kind, ...kinds.slice(0, KINDS - 1)]
  return { stored, kind }
}

/** The tensors of a file and the way to their elements, which need not be the source they were found in. */
export function findStored(source: ByteSource, budgets: Budgets): StoredTensor[] {
  return READERS[detectFormat(source)](source, budgets)
}
