import { isLlamaDebugFile, llamaDebugTokens, llamaDebugWidth } from '../../../formats/llama-debug.js'
import { resolveBudgets } from '../../../io/budgets.js'
import { withFile } from '../../../io/file-source.js'
import { listOf } from '../../../lib/lazy-list.js'
import { info } from '../../../lib/note.js'
import { counted } from '../../../lib/number-text.js'
import type { IdLists } from '../../token-ids.js'
import type { LoadDumpOptions } from '../../types.js'
import { type NamedScan, refuseOptions } from '../layout.js'

/**
 * A file of llama-debug as one step, the token after the prompt. Reads the ids of the prompt, and the ends of the text beside it.
 * @returns undefined for a file of another name
 * @throws GoldenLogitsError what `llamaDebugWidth` throws; `invalid-argument` for an option that has no meaning
 */
export function scanLlamaDebug(file: string, options: LoadDumpOptions): NamedScan | undefined {
  if (!isLlamaDebugFile(file)) return undefined
  const pointless = ['tensor', 'positions', 'sequence', 'ranks', 'layer', 'prefill', 'run'] as const
  refuseOptions(options, pointless, 'a file of llama-debug, which holds one row')
  const budgets = resolveBudgets(options.budgets)
  const width = withFile(file, (source) => llamaDebugWidth(source, budgets), budgets)
  const tokens = llamaDebugTokens(file, budgets)
  const prompt = tokens
    ? `after a prompt of ${counted(tokens.length, 'token')}`
    : 'after a prompt of which no ids are there'
  const lists: IdLists = new Map(tokens ? [['prompt_token_ids', tokens]] : [])
  return {
    layout: 'llama-debug',
    steps: listOf(1, () => ({ step: options.firstStep ?? 0, files: [file], layer: '' })),
    notes: [info(`${width} logits of llama-debug ${prompt}`)],
    stepsAssumed: options.firstStep === undefined,
    ...(tokens && { tokenIds: lists, ids: { fed: lists } }),
  }
}
