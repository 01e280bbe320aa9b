import { GoldenLogitsError } from '../../../errors.js'
import { info, type Note, warning } from '../../../lib/note.js'
import { listed } from '../../../lib/number-text.js'
import { tryRead } from '../../../lib/try-read.js'
import { tensorsOf } from '../../steps-in-file.js'
import { type IdFacts, type IdLists, idsIn } from '../../token-ids.js'
import type { LoadDumpOptions } from '../../types.js'
import type { ScanContext } from '../layout.js'

/** A forward pass of which there are logits. */
export interface Pass {
  readonly number: number
  /** The files of its inputs on the first rank, if they were dumped. */
  readonly inputIds?: string | undefined
  readonly positions?: string | undefined
}

/** The passes of one run, and what they read. */
export interface Run {
  readonly passes: readonly Pass[]
  readonly notes: readonly Note[]
  readonly tokenIds?: IdLists
  readonly ids?: IdFacts
}

/** What a pass read. */
interface Inputs {
  readonly ids: readonly number[] | undefined
  /** It reads a prompt from its first token on. */
  readonly begins: boolean
  /** It reads several prompts. */
  readonly isBatch: boolean
}

/**
 * The passes of the last run: the dumper counts all forward passes of its process, and a server runs some to warm up. A run begins
 * with the pass that reads position 0.
 * @throws GoldenLogitsError `invalid-argument` for an option `prefill` that names no pass
 */
export function runOf(passes: readonly Pass[], { path, options }: Pick<ScanContext, 'path' | 'options'>): Run {
  const { prefill } = options
  const inputs = passes.map((pass) => inputsOf(pass, options))
  const begins = passes.map((_, i) => i).filter((i) => inputs[i]!.begins)
  const asked = typeof prefill === 'number' ? passes.findIndex(({ number }) => number === prefill) : undefined
  if (asked === -1 || (prefill === 'last' && begins.length === 0)) {
    const numbers = passes.map(({ number }) => number)
    const message =
      asked === -1
        ? `the option prefill: ${prefill} names a forward pass without logits; there are logits of ${listed(numbers, 8)}`
        : "the option prefill: 'last' needs the inputs of each forward pass (input_ids, positions), which were not dumped; name the first pass of the run by its number"
    throw new GoldenLogitsError('invalid-argument', message, { file: path })
  }
  const first = asked ?? begins.at(-1) ?? 0
  const end = begins.find((i) => i > first) ?? passes.length
  const run = inputs.slice(first, end)
  const notes = [
    ...boundaryNotes(passes, first, end, begins.length > 0, options),
    ...(asked === undefined ? chunkNotes(passes.slice(first, end), run) : []),
  ]
  return { passes: passes.slice(first, end), notes, ...idsOf(run) }
}

function inputsOf({ inputIds, positions }: Pass, options: LoadDumpOptions): Inputs {
  const [ids, places] = [inputIds, positions].map((file) => (file === undefined ? undefined : intsIn(file, options)))
  // Without positions: only a prompt is read several tokens at a time. A prompt of one token is taken for a later one.
  const begins = places ? places[0] === 0 : ids !== undefined && ids.length > 1
  return { ids, begins, isBatch: (places?.filter((place) => place === 0).length ?? 0) > 1 }
}

function intsIn(file: string, options: LoadDumpOptions): readonly number[] | undefined {
  return tryRead(() => {
    const tensors = tensorsOf(file, options)
    return tensors.length === 1 ? idsIn(tensors[0]!, undefined) : undefined
  })
}

/** Which passes are outside the run. It is a guess unless the option `prefill` confirms it. */
function boundaryNotes(
  passes: readonly Pass[],
  first: number,
  end: number,
  isSeen: boolean,
  { prefill, firstStep }: LoadDumpOptions,
): Note[] {
  const start = passes[first]!.number
  if (!isSeen && prefill === undefined && firstStep === undefined && start > 0) {
    const text = `the dump begins at forward pass ${start}, which is taken for the first token: nothing shows whether passes before it, or after it, belong to another run`
    return [warning(text, `set loadDump's option prefill: ${start}, or the number of the pass that begins the run`)]
  }
  const outside = [
    ...(first > 0 ? [`${first} before it`] : []),
    ...(end < passes.length ? [`${passes.length - end} after it`] : []),
  ]
  if (outside.length === 0) return []
  const others = `forward passes outside the run: ${outside.join(', ')}`
  if (prefill !== undefined) return [info(`prefill: ${prefill}: the run begins at forward pass ${start}; ${others}`)]
  const text = `the run is taken to begin at forward pass ${start}, the last that reads a prompt from its start; ${others}`
  return [warning(text, "set loadDump's option prefill: 'last'")]
}

/** Passes that read several tokens after the first one are chunks of the prompt, or verify speculated tokens. */
function chunkNotes(passes: readonly Pass[], inputs: readonly Inputs[]): Note[] {
  if (inputs[0]!.isBatch) return []
  const several = passes.filter((_, i) => i > 0 && (inputs[i]!.ids?.length ?? 1) > 1)
  if (several.length === 0) return []
  const [start, last] = [passes[0]!.number, several.at(-1)!.number]
  const text = `forward pass ${several[0]!.number} reads several tokens after the first pass of the run; each pass is taken for a token, as with speculative decoding`
  return [warning(text, `set loadDump's option prefill: ${start}; if it reads a chunk of the prompt, prefill: ${last}`)]
}

/** The prompt, and the token that each later pass read, if each read one. */
function idsOf(inputs: readonly Inputs[]): Pick<Run, 'tokenIds' | 'ids'> {
  const lists = inputs.map(({ ids }) => ids)
  const [prompt, ...later] = lists
  const { begins, isBatch } = inputs[0]!
  if (!prompt || !begins || isBatch || !later.every((ids) => ids?.length === 1)) return {}
  const chosen = later.map((ids) => ids![0]!)
  const fed = new Map([['input_ids', prompt]])
  return { tokenIds: new Map([['input_ids', [...prompt, ...chosen]]]), ids: { fed, chosen } }
}
