import { GoldenLogitsError, printable } from '../errors.js'
import { type Budgets, withinBudget } from '../io/budgets.js'
import type { ByteSource } from '../io/byte-source.js'
import { memorySource } from '../io/memory-source.js'
import { disregardContent, readZipDirectory, type ZipEntry } from '../io/zip-directory.js'
import { arrayBytes, arrayView } from './array-tensor.js'
import type { Format, StoredTensor } from './format.js'
import { readNpyArray } from './npy.js'
import { inflateStart, openRecord, readRecord } from './zip-record.js'

/** A file of `numpy.savez` or `savez_compressed`: a zip of `.npy` files. */
export const npz: Format = {
  name: 'npz',
  description: 'a NumPy archive (.npz)',
  extensions: ['.npz'],
  matches: (head) => head.startsWith('PK\x03\x04') && firstName(head).endsWith(ENDING),
  read: readNpz,
}

const ENDING = '.npy'

/** The name of the first member. */
function firstName(head: string): string {
  const length = head.charCodeAt(26) + 256 * head.charCodeAt(27)
  return head.slice(30, 30 + length)
}

function readNpz(source: ByteSource, budgets: Budgets): StoredTensor[] {
  const entries = readZipDirectory(source, budgets)
  const other = entries.find(({ name }) => !name.endsWith(ENDING))
  if (other) {
    const message = `is a NumPy archive (.npz) with the member '${printable(other.name)}', which is no array`
    throw new GoldenLogitsError('unsupported-format', message, { file: source.file })
  }
  withinBudget(budgets, 'tensors', entries.length, 'tensors in the file', { file: source.file })
  const tensors: StoredTensor[] = []
  for (const entry of entries) {
    disregardContent(source, entry)
    const tensor = readMember(source, entry, budgets)
    if (tensor) tensors.push(tensor)
  }
  if (tensors.length > 0) return tensors
  throw new GoldenLogitsError('no-tensor', 'holds no array of numbers', { file: source.file })
}

/** @returns undefined for text and dates */
function readMember(source: ByteSource, entry: ZipEntry, budgets: Budgets): StoredTensor | undefined {
  const array = readNpyArray(memberSource(source, entry), budgets)
  if (!array) {
    // Damage must not turn logits into text, which is left out: a member that nobody reads is checked here.
    readRecord(source, entry, budgets)
    return undefined
  }
  const { start, dtype, shape, bigEndian = false } = array
  // Nobody will read its elements either.
  if (arrayBytes(dtype, shape) === 0n) readRecord(source, entry, budgets)
  return {
    ...arrayView({ ...array, name: entry.name.slice(0, -ENDING.length) }),
    open(from, checks) {
      const read = openRecord(from, entry, budgets, checks)
      return { bigEndian, read: (offset, into) => read(start + offset, into) }
    },
  }
}

/** The bytes of a member, for its header. They are not checked against the CRC: reading the elements does that. */
function memberSource(source: ByteSource, entry: ZipEntry): ByteSource {
  const { start, size, name, deflated } = entry
  return {
    file: source.file,
    size,
    member: name,
    read(offset, into) {
      if (!deflated) source.read(start + offset, into)
      else memorySource(inflateStart(source, entry, offset + into.length), source.file).read(offset, into)
    },
  }
}
