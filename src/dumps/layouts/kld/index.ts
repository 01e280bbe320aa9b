import { readKld, startsKld } from '../../../formats/kld.js'
import { type Budgets, resolveBudgets } from '../../../io/budgets.js'
import { type FileSource, withFile } from '../../../io/file-source.js'
import { listOf } from '../../../lib/lazy-list.js'
import { info } from '../../../lib/note.js'
import { counted } from '../../../lib/number-text.js'
import { tryRead } from '../../../lib/try-read.js'
import { UNSEEN_NATS } from '../../../metrics/log-probs.js'
import type { LoadDumpOptions } from '../../types.js'
import { type NamedScan, refuseOptions } from '../layout.js'

/**
 * Every row of a base file of llama.cpp as a step: the rows of the first chunk come first. Reads the header and the tokens.
 * @returns undefined if the file does not begin as such a file does
 * @throws GoldenLogitsError what `readKld` throws; `invalid-argument` for an option that has no meaning
 */
export function scanKld(file: string, options: LoadDumpOptions): NamedScan | undefined {
  // A file that cannot be opened may be any other dump, which says what is wrong with it.
  if (!tryRead(() => withFile(file, startsKld, { fileBytes: Number.POSITIVE_INFINITY }))) return undefined
  const pointless = ['tensor', 'positions', 'sequence', 'ranks', 'layer', 'prefill'] as const
  refuseOptions(options, pointless, 'a .kld file, whose rows are the steps')
  const budgets = resolveBudgets(options.budgets)
  return withFile(file, (source) => scan(source, budgets, options), budgets)
}

function scan(source: FileSource, budgets: Budgets, options: LoadDumpOptions): NamedScan {
  const { contextLength, chunks, rowsPerChunk, tokens } = readKld(source, budgets)
  const first = options.firstStep ?? 0
  const { file } = source
  const steps = listOf(chunks * rowsPerChunk, (index) => {
    return { step: first + index, files: [file], layer: '', position: index }
  })
  const size = `${counted(chunks, 'chunk')} of ${contextLength} tokens, ${rowsPerChunk} rows of each`
  const text = `log-probabilities of llama.cpp in 16 bits, ${size}; a vocab id at the lowest value of its row may have any lower probability, and counts as moved by at most ${UNSEEN_NATS} nat more than the rows show`
  const dumpText = { tokens, chunkLength: contextLength }
  return { layout: 'kld', kind: 'log-probabilities', steps, notes: [info(text)], stepsAssumed: false, text: dumpText }
}
