import type { LazyTensor } from '../tensor/tensor.js'

/** Token ids by the name that they were saved under. */
export type IdLists = ReadonlyMap<string, readonly number[]>

/** What a run was fed, what it chose, or a text that may hold both. */
export type Role = 'fed' | 'chosen' | 'text'

/** Names of token ids, as transformers, vLLM, SGLang, OpenVINO wwb and people write them. */
const ROLES: readonly (readonly [RegExp, Role])[] = [
  [/^(?:(?:prompt|input|context|decoder_input)(?:_input)?(?:_token)?(?:_ids|_tokens)|prompt)$/i, 'fed'],
  [
    /^(?:(?:generated|completion|response|new|next|sampled)(?:_token)?(?:_ids|_tokens)|output_token(?:_ids|s))$/i,
    'chosen',
  ],
  [/^(?:sequences|output_ids|(?:all_|full_)?(?:token_)?ids|(?:all_)?tokens)$/i, 'text'],
]

/** The last part of the name of a tensor: `inputs.input_ids` is `input_ids`. */
const stemOf = (name: string) => name.slice(name.lastIndexOf('.') + 1)

/** The role of ids by their name; undefined if it is no name of ids. */
export function roleOf(name: string): Role | undefined {
  return ROLES.find(([names]) => names.test(name))?.[1]
}

/** Whether this is a name of token ids. */
export function isIdsName(name: string): boolean {
  return roleOf(stemOf(name)) !== undefined
}

/** The role of the ids of one step, which may be named in the singular: `token_0.npy` holds what `tokens.npy` lists. */
export function roleOfStep(name: string): Role | undefined {
  const stem = stemOf(name)
  return roleOf(stem) ?? roleOf(`${stem}s`)
}

/** No text comes near as many tokens. */
const MOST_IDS = 2 ** 22

/**
 * The token ids in a tensor; undefined if it holds none. Ids up to 2²⁴ are exact, and no vocabulary has more. wwb saves some as
 * float32.
 * @param sequence which sequence of a batch counts; without it, a batch is left out
 */
export function idsIn(tensor: LazyTensor, sequence: number | undefined): readonly number[] | undefined {
  const { dtype, shape, length } = tensor
  const batch = shape.length > 1 ? shape[0]! : 1
  if (dtype === 'bool' || length === 0 || length > MOST_IDS || (batch > 1 && (sequence ?? batch) >= batch))
    return undefined
  const values = [...tensor.toFloat32()]
  if (/float/.test(dtype) && !values.every(Number.isInteger)) return undefined
  const count = length / batch
  return batch === 1 ? values : values.slice(sequence! * count, (sequence! + 1) * count)
}

/** What the rows of a file are: the positions of a text that was fed at once, or the steps of a run. */
type RowsMeaning = 'positions' | 'steps'

/** Token ids, and what they say of the rows beside them. */
export interface IdFacts {
  /** What every run was fed, by name: it must be the same on both sides. */
  readonly fed: IdLists
  /** The id that was chosen after each row; undefined if the ids do not show it. */
  readonly chosen?: readonly number[]
  /** Undefined if the ids do not decide it. */
  readonly meaning?: RowsMeaning
}

/**
 * What token ids say of `count` rows. Of a text that was fed at once there is an id for each row, or one more; of a run, one was
 * chosen after each row.
 * @param isWwb the rows come from OpenVINO wwb: positions of the second half of each chunk of the prompt
 * @param meaning what the caller says
 */
export function factsOf(count: number, lists: IdLists, isWwb: boolean, meaning?: RowsMeaning): IdFacts {
  const rows = new RowIds(count, lists)
  const decided = meaning ?? (isWwb && rows.isPartOfPrompt() ? 'positions' : rows.meaning())
  if (decided === 'positions') return { fed: isWwb ? rows.prompts() : rows.texts(), meaning: decided }
  const chosen = rows.chosen()
  return {
    fed: new Map([...rows.prompts(), ...rows.promptsOfSequences()]),
    ...(chosen && { chosen }),
    ...(decided && { meaning: decided }),
  }
}

class RowIds {
  private readonly count: number
  private readonly lists: readonly { name: string; role: Role; ids: readonly number[] }[]

  constructor(count: number, lists: IdLists) {
    this.count = count
    this.lists = [...lists].map(([name, ids]) => ({ name, role: roleOf(stemOf(name))!, ids }))
  }

  prompts(): IdLists {
    return new Map(this.of('fed').map(({ name, ids }) => [name, ids]))
  }

  isPartOfPrompt(): boolean {
    return this.of('fed').some(({ ids }) => ids.length >= this.count)
  }

  /** What rows of positions read: the prompt, and every text that is as long as the rows. */
  texts(): IdLists {
    const areWhole = this.isPromptAndChosen()
    const read = this.lists.filter(
      ({ role, ids }) => role === 'fed' || (role === 'text' && this.isAsLong(ids)) || (role === 'chosen' && areWhole),
    )
    return new Map(read.map(({ name, ids }) => [name, ids]))
  }

  /** The beginning of each sequence that `generate` returned, up to the first row. */
  promptsOfSequences(): IdLists {
    const sequences = this.of('text').filter((list) => this.isSequence(list))
    return new Map(sequences.map(({ name, ids }) => [name, ids.slice(0, ids.length - this.count)]))
  }

  meaning(): RowsMeaning | undefined {
    const areSteps =
      this.of('chosen').some((list) => list.ids.length === this.count || this.isSequence(list)) ||
      this.of('text').some((list) => this.isSequence(list))
    const fed = this.of('fed')
    const arePositions =
      fed.some(({ ids }) => ids.length === this.count) ||
      this.isPromptAndChosen() ||
      (!areSteps && this.lists.some(({ role, ids }) => role !== 'chosen' && this.isAsLong(ids)))
    if (areSteps === arePositions) return undefined
    return areSteps ? 'steps' : 'positions'
  }

  chosen(): readonly number[] | undefined {
    const { count } = this
    const lists = [...this.of('chosen'), ...this.of('text')]
    const exact = lists.find(({ ids }) => ids.length === count || ids.length === count - 1)
    if (exact) return exact.ids
    const sequence = lists.find((list) => this.isSequence(list))
    return sequence?.ids.slice(-count)
  }

  private of(role: Role) {
    return this.lists.filter((list) => list.role === role)
  }

  /** A label may follow the last row. */
  private isAsLong(ids: readonly number[]): boolean {
    return ids.length === this.count || ids.length === this.count + 1
  }

  /** Whether a list is a prompt and what was chosen after each row: by its name, or because it begins with the prompt. */
  private isSequence({ name, ids }: { name: string; ids: readonly number[] }): boolean {
    const before = ids.length - this.count
    if (before < 1) return false
    if (/^sequences$/i.test(stemOf(name))) return true
    return this.of('fed').some((prompt) => prompt.ids.length === before && prompt.ids.every((id, i) => id === ids[i]))
  }

  /** Whether the rows belong to a prompt and to what was chosen after it, all fed at once; the last id may be left out. */
  private isPromptAndChosen(): boolean {
    return this.of('fed').some(({ ids: prompt }) =>
      this.of('chosen').some(({ ids }) => {
        const whole = prompt.length + ids.length
        return whole === this.count || (whole - 1 === this.count && prompt.length > 1)
      }),
    )
  }
}
