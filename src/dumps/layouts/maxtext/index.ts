import type { GoldenPrompt } from '../../../formats/golden-jsonl.js'
import { listOf } from '../../../lib/lazy-list.js'
import type { DumpStep, LoadDumpOptions } from '../../types.js'
import { type FileRun, type NamedScan, refuseOptions } from '../layout.js'

/**
 * The prompts in a file of golden logits of MaxText. Every row of logits is a position of its prompt, unless the option
 * `positions` says otherwise.
 * @throws GoldenLogitsError `invalid-argument` for an option that has no meaning
 */
export function scanMaxText(file: string, prompts: readonly GoldenPrompt[], options: LoadDumpOptions): FileRun[] {
  refuseOptions(options, ['sequence', 'ranks', 'layer', 'prefill'], 'golden logits of MaxText')
  return prompts.map((prompt, index) => ({ name: String(index), scan: scanPrompt(file, prompt, options) }))
}

function scanPrompt(
  file: string,
  { logits, tokens }: GoldenPrompt,
  { firstStep = 0, positions = 'all' }: LoadDumpOptions,
): NamedScan {
  const areSteps = positions === 'steps'
  const steps = listOf(areSteps ? logits.shape[0]! : 1, (index): DumpStep => {
    const step = { step: firstStep + index, files: [file], layer: '', tensor: logits }
    return areSteps ? { ...step, position: index } : step
  })
  const scan: NamedScan = { layout: 'maxtext', steps, notes: [], stepsAssumed: false, rows: { positions } }
  if (!tokens) return scan
  // The model was fed each token, even if the row before it prefers another.
  const tokenIds = new Map([['tokens', tokens]])
  const meaning = areSteps ? 'steps' : 'positions'
  return { ...scan, tokenIds, ids: { fed: tokenIds, chosen: tokens.slice(1), meaning } }
}
