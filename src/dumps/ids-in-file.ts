import { printable } from '../errors.js'
import type { NamedInts } from '../formats/pickle/find-ints.js'
import { withNumbers } from '../formats/read-tensors.js'
import { info, type Note } from '../lib/note.js'
import { tryRead } from '../lib/try-read.js'
import type { LazyTensor } from '../tensor/tensor.js'
import type { RowOptions } from './steps-in-file.js'
import { idsIn } from './token-ids.js'

/** Lists of token ids by name. */
export type Lists = Map<string, readonly number[]>

/**
 * The token ids in a file: integer tensors, and lists of ints beside them, by name; and all of its tensors. What holds no ids, or
 * cannot be read, is left out.
 * @param isWanted by the name of the tensor or the key of the list; `''` is the only value of the file
 * @param notes takes what has a name of ids and cannot be read as ids
 */
export function idsInFile(
  file: string,
  isWanted: (name: string) => boolean,
  options: RowOptions,
  notes?: Note[],
): { lists: Lists; tensors: readonly LazyTensor[] } {
  const { sequence } = options
  const lists: Lists = new Map()
  const held = tryRead(() =>
    withNumbers(file, options, ({ tensors, ints }) => ({
      tensors: tryRead(tensors) ?? [],
      ints: tryRead(() => ints(isWanted)) ?? [],
    })),
  )
  if (!held) return { lists, tensors: [] }
  for (const tensor of held.tensors) {
    const ids = isWanted(tensor.name) ? tryRead(() => idsIn(tensor, sequence)) : undefined
    if (ids) lists.set(tensor.name, ids)
  }
  for (const ints of held.ints) {
    const ids = sequenceOf(ints, sequence)
    if (ids) lists.set(ints.name, ids)
    else if (!ints.sequences) {
      const text = `'${printable(ints.name, 40)}' is not read as token ids: it is ${ints.what}, expected whole numbers in a list, a tuple or a tensor`
      notes?.push(info(text))
    }
  }
  return { lists, tensors: held.tensors }
}

/** The ids of a file that holds nothing else. */
export function onlyIdsIn(file: string, options: RowOptions): readonly number[] | undefined {
  const { lists, tensors } = idsInFile(file, () => true, options)
  return tensors.length <= 1 && lists.size === 1 ? [...lists.values()][0] : undefined
}

/** One list, or the one that the option `sequence` chooses from a batch. */
function sequenceOf({ sequences }: NamedInts, sequence: number | undefined): readonly number[] | undefined {
  return sequences?.length === 1 ? sequences[0] : sequences?.[sequence ?? sequences.length]
}
