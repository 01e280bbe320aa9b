import { invalidArgument } from '../../../errors.js'
import type { GoldenPrompt } from '../../../formats/golden-jsonl.js'
import { listOf } from '../../../lib/lazy-list.js'
import type { IdFacts, IdLists } from '../../token-ids.js'
import type { Dump, DumpStep, LoadDumpOptions } from '../../types.js'
import type { LayoutScan } from '../layout.js'

/** One prompt in a file of golden logits. */
export interface MaxTextScan extends LayoutScan {
  readonly layout: 'maxtext'
  readonly rows: NonNullable<Dump['rows']>
  readonly tokenIds?: IdLists
  readonly ids?: IdFacts
}

/** Options that choose what such a file does not leave open. */
const POINTLESS = ['sequence', 'ranks', 'layer', 'prefill'] as const

/**
 * The prompts in a file of golden logits of MaxText. Every row of logits is a position of its prompt, unless the option
 * `positions` says otherwise.
 * @throws GoldenLogitsError `invalid-argument` for an option that has no meaning
 */
export function scanMaxText(
  file: string,
  prompts: readonly GoldenPrompt[],
  options: LoadDumpOptions,
): { readonly name: string; readonly scan: MaxTextScan }[] {
  const name = POINTLESS.find((option) => options[option] !== undefined)
  if (name !== undefined) {
    throw invalidArgument(`the option ${name} has no meaning for golden logits of MaxText; leave it out`)
  }
  return prompts.map((prompt, index) => ({ name: String(index), scan: scanPrompt(file, prompt, options) }))
}

function scanPrompt(
  file: string,
  { logits, tokens }: GoldenPrompt,
  { firstStep = 0, positions = 'all' }: LoadDumpOptions,
): MaxTextScan {
  const areSteps = positions === 'steps'
  const steps = listOf(areSteps ? logits.shape[0]! : 1, (index): DumpStep => {
    const step = { step: firstStep + index, files: [file], layer: '', tensor: logits }
    return areSteps ? { ...step, position: index } : step
  })
  const scan = { layout: 'maxtext', steps, notes: [], stepsAssumed: false, rows: { positions } } as const
  if (!tokens) return { ...scan, notes: [] }
  // The model was fed each token, even if the row before it prefers another.
  const tokenIds = new Map([['tokens', tokens]])
  const meaning = areSteps ? 'steps' : 'positions'
  return { ...scan, notes: [], tokenIds, ids: { fed: tokenIds, chosen: tokens.slice(1), meaning } }
}
