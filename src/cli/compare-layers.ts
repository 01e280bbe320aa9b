import type { Command } from 'commander'
import { compareLayers } from '../compare/layers/compare-layers.js'
import { type Mapping, mappingFlaw } from '../compare/layers/mapping.js'
import type { LayersComparison } from '../compare/layers/types.js'
import { loadDump, loadPaths } from '../dumps/load.js'
import type { LoadDumpOptions } from '../dumps/types.js'
import { GoldenLogitsError, printable } from '../errors.js'
import { jsonText } from '../formats/json.js'
import { DEFAULT_BUDGETS } from '../io/budgets.js'
import { withFile } from '../io/file-source.js'
import { repeatedKey } from '../lib/json-keys.js'
import { type ComparisonReport, tokensReport, weighed } from '../report/document.js'
import { layerTokens } from '../report/layer-rows.js'
import { layerCounts, layersText } from '../report/message/layers.js'
import { parseNumber } from './compare-options.js'
import { UsageError } from './io.js'

/** The flags of a comparison of layers. */
export interface LayersValues {
  readonly layers?: boolean
  readonly token?: number
  readonly floor?: string
  readonly checkpoint?: string
  readonly unpaired?: string
  readonly mapping?: string
}

/** Adds the flags of a comparison of layers to the command `compare`. */
export function addLayersOptions(command: Command): void {
  command
    .option('--layers', 'compare every layer at one token in place of the logits')
    .option('--token <n>', 'with --layers: the token', parseNumber)
    .option('--floor <path>', "with --layers: a second run of the golden in the dump's precision")
    .option('--checkpoint <path>', 'with --layers: the weights in safetensors, a file or a folder')
    .option('--unpaired <what>', 'with --layers: fail (default) or allow, for layers without a partner')
    .option('--mapping <file>', "with --layers: JSON, names of the dump's layers by names of the golden's")
}

/** A comparison of layers, and what is printed and written of it. */
export interface LayersResult {
  readonly comparison: LayersComparison
  readonly report: ComparisonReport
  readonly text: string
  readonly summary: string
  readonly exitCode: number
}

/**
 * Compares the layers of two dumps as the flags say.
 * @param sides the paths of each dump, and the options to load them with
 * @throws UsageError if the flags do not fit each other
 */
export function layersResult(
  sides: Record<'golden' | 'dump', { readonly paths: readonly string[]; readonly options: LoadDumpOptions }>,
  { token, floor, checkpoint, unpaired, mapping }: LayersValues,
  dtype: unknown,
): LayersResult {
  if (token === undefined) throw new UsageError('compare --layers needs the token whose layers are compared: --token 3')
  const [dump, golden] = [sides.dump, sides.golden].map(({ paths, options }) => loadPaths(paths, options))
  const comparison = compareLayers(dump!, golden!, {
    step: token,
    ...(floor !== undefined && { floor: loadDump(floor, sides.golden.options) }),
    ...(checkpoint !== undefined && { checkpoint }),
    ...(unpaired !== undefined && { unpaired: unpaired as 'fail' }),
    ...(mapping !== undefined && { mapping: readMapping(mapping) }),
    ...(dtype !== undefined && { dtype: dtype as 'bf16' }),
  })
  const { pass, finding, goldenPath, dumpPath, notes, warnings, counts } = comparison
  const text = layersText(comparison)
  const report = {
    title: `layers of token ${token}: ${dump!.path} against ${golden!.path}`,
    goldenPath,
    dumpPath,
    pass,
    notes: weighed(notes, warnings),
    message: text,
    ...tokensReport(layerTokens(comparison)),
  }
  const verdict = pass
    ? 'no layer diverges'
    : finding.kind === 'layer'
      ? 'a layer diverges'
      : 'not every layer was compared'
  const exitCode = pass
    ? 0
    : finding.kind === 'not-aligned'
      ? 4
      : finding.kind === 'layer' || finding.kind === 'unexplained' || counts.unpaired > 0
        ? 1
        : 3
  return { comparison, report, text, summary: `${verdict}: ${layerCounts(comparison)}`, exitCode }
}

/** @throws UsageError if a flag of `--layers` is given without it */
export function refuseLayersOptions(values: LayersValues): void {
  for (const name of ['token', 'floor', 'checkpoint', 'unpaired', 'mapping'] as const) {
    if (values[name] !== undefined) throw new UsageError(`--${name} needs --layers`)
  }
}

const MAX_MAPPING = 1024 * 1024

function readMapping(file: string): Mapping {
  const text = withFile(file, (source) => {
    if (source.size <= MAX_MAPPING) return jsonText(source, DEFAULT_BUDGETS)
    throw badMapping(file, `it has ${source.size} bytes, expected at most ${MAX_MAPPING}`)
  })
  let mapping: unknown
  try {
    mapping = JSON.parse(text)
  } catch {
    throw badMapping(file, 'it is not JSON')
  }
  const flaw = mappingFlaw(mapping)
  if (flaw !== undefined) throw badMapping(file, `it holds ${flaw}`)
  const twice = repeatedKey(text)
  if (twice !== undefined) throw badMapping(file, `it names ${printable(twice)} twice`)
  return mapping as Mapping
}

function badMapping(file: string, problem: string): GoldenLogitsError {
  const message = `${problem}; expected an object of layer names, such as { "root.lm_head": "67_LmHead" }, or of arrays of the parts of a fused module`
  return new GoldenLogitsError('invalid-argument', message, { file })
}
