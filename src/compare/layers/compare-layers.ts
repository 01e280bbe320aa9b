import { asDump, type DumpOrPath } from '../../dumps/as-dump.js'
import { type Layer, layersOf, type StepLayers } from '../../dumps/layers/index.js'
import type { Dump } from '../../dumps/types.js'
import { GoldenLogitsError, invalidArgument } from '../../errors.js'
import { info, type Note, sideNotes, textsOf, warning } from '../../lib/note.js'
import { counted } from '../../lib/number-text.js'
import { LayerReader, type MeasuredLayer } from '../../measure/layers/measure-layer.js'
import { median } from '../../measure/layers/measure-tensors.js'
import { PRECISIONS } from '../../metrics/precision.js'
import { inferPrecision } from '../thresholds.js'
import type { Precision } from '../types.js'
import { climb, usedRows } from './ladder.js'
import { combinedLayer, type LayerPairs } from './layer-pairs.js'
import { localNotes, measureLocals } from './measure-locals.js'
import { measurePairs } from './measure-pairs.js'
import { isEmbedding } from './names.js'
import { misalignment, unexplained } from './no-layer.js'
import { checkLayersOptions, type LayersSettings } from './options.js'
import { pairByRole } from './pair-by-role.js'
import { pairLayers } from './pair-layers.js'
import { readingNotes } from './reading-notes.js'
import type {
  ComparedLayer,
  LayerFinding,
  LayerScore,
  LayersComparison,
  LayersFinding,
  LayersOptions,
  RankedLayer,
} from './types.js'

/**
 * Compares every layer of two dumps at one token, and names the first one that diverges, if a rule of `climb` names one.
 * Synchronous, one pair of tensors in memory, a part at a time.
 * @throws GoldenLogitsError as `compareDumps` does; `nothing-to-compare` if a side has no layers of the token, or no layer has
 * the same name on both sides
 */
export function compareLayers(
  dump: DumpOrPath,
  golden: DumpOrPath,
  options: LayersOptions<DumpOrPath>,
): LayersComparison {
  const settings = checkLayersOptions(options)
  const sides = { golden: asDump('golden', golden), dump: asDump('dump', dump) }
  const [left, right] = [layersOf(sides.golden, settings.step), layersOf(sides.dump, settings.step)]
  const isAtb = ({ layout }: Dump) => layout === 'atb'
  const pairUp = isAtb(sides.golden) === isAtb(sides.dump) ? pairLayers : pairByRole
  const pairs = pairUp(left.layers, right.layers, settings.mapping)
  if (pairs.pairs.length === 0) throw noPairs(sides, left, right)
  const budgets = { golden: sides.golden.budgets, dump: sides.dump.budgets }
  const reader = new LayerReader(budgets.golden, budgets.dump)
  const floorOf = measuredFloor(sides.golden, left, right, settings)
  const entries = measureLocals(measurePairs(pairs.pairs, reader), budgets, settings.checkpoint)
  return conclude(entries, pairs, sides, floorOf, settings, [
    ...orderNotes(left),
    ...(pairs.renamed === undefined ? [] : [info(pairs.renamed)]),
    ...readingNotes(entries, { golden: left, dump: right }),
  ])
}

const FLOOR = 'expected a second run of the golden, in the precision of the dump'

/**
 * The floor's layers against the golden's, by the golden's names.
 * @throws GoldenLogitsError `invalid-argument` for the dump itself
 */
function measuredFloor(
  golden: Dump,
  layers: StepLayers,
  tested: StepLayers,
  { floor, step }: LayersSettings<DumpOrPath>,
): ((layer: Layer) => MeasuredLayer | undefined) | undefined {
  if (floor === undefined) return undefined
  const dump = asDump('dump', floor)
  const own = layersOf(dump, step)
  if (own.folder === tested.folder) {
    const message = `the floor is the dump itself, so that no error could stand out; ${FLOOR}`
    throw new GoldenLogitsError('invalid-argument', message, { file: dump.path })
  }
  const { pairs } = pairLayers(layers.layers, own.layers)
  const byName = new Map(pairs.map((pair) => [pair.golden.name, pair.dump]))
  const reader = new LayerReader(golden.budgets, dump.budgets)
  return (layer) => {
    const partner = byName.get(layer.name) ?? partsIn(layer, byName)
    const measured = partner && reader.measure(layer, partner)
    return measured && 'output' in measured ? measured : undefined
  }
}

/** The parts of a layer as one, if all are there. */
function partsIn({ parts = [] }: Layer, byName: ReadonlyMap<string, Layer>): Layer | undefined {
  const partners = parts.flatMap(({ name }) => byName.get(name) ?? [])
  return partners.length > 0 && partners.length === parts.length ? combinedLayer(partners) : undefined
}

function conclude(
  entries: readonly ComparedLayer[],
  pairs: LayerPairs,
  sides: { golden: Dump; dump: Dump },
  floorOf: ((layer: Layer) => MeasuredLayer | undefined) | undefined,
  settings: LayersSettings<DumpOrPath>,
  notes: Note[],
): LayersComparison {
  const ranked: (RankedLayer & { readonly entry: number })[] = []
  entries.forEach(({ golden, dump, measured, local }, entry) => {
    if (!measured) return
    const { name, type = dump!.type } = golden!
    ranked.push({ name, type, measured, entry, local, ...(floorOf && { floor: floorOf(golden!) }) })
  })
  const precision = settings.precision ?? precisionOf(ranked)
  const { scores, finding: byRank } = climb(ranked, precision)
  const finding = findingOf(ranked, scores, byRank, precision)
  const layers: ComparedLayer[] = [...entries]
  ranked.forEach((layer, i) => {
    const { entry } = layer
    const natural = naturalError(layer, scores[i]!)
    const isNamed = finding.kind === 'layer' && finding.index === entry
    layers[entry] = {
      ...layers[entry]!,
      score: scores[i]!,
      ...(natural !== undefined && { naturalError: natural }),
      ...(isNamed && { verdict: 'diverges' }),
    }
  })
  for (const golden of pairs.goldenOnly)
    layers.push({ verdict: 'golden-only', reason: 'it has no partner in the dump', golden })
  for (const dump of pairs.dumpOnly)
    layers.push({ verdict: 'dump-only', reason: 'it has no partner in the golden', dump })
  const unpaired = pairs.goldenOnly.length + pairs.dumpOnly.length
  const failed = entries.length - ranked.length
  const all = [
    ...notes,
    ...localNotes(entries, precision, settings.checkpoint !== undefined),
    ...facts(ranked, floorOf !== undefined, precision, settings),
    ...sideNotes('golden', sides.golden.notes),
    ...sideNotes('dump', sides.dump.notes),
  ]
  const agrees = finding.kind === 'identical' || finding.kind === 'none'
  return {
    pass: agrees && (settings.unpaired === 'allow' || unpaired + failed === 0),
    step: settings.step,
    layers,
    finding,
    counts: { total: layers.length, compared: ranked.length, unpaired, failed },
    precision,
    hasFloor: floorOf !== undefined,
    ...textsOf(all),
    goldenPath: sides.golden.path,
    dumpPath: sides.dump.path,
  }
}

function findingOf(
  ranked: readonly (RankedLayer & { readonly entry: number })[],
  scores: readonly LayerScore[],
  finding: LayerFinding,
  precision: Precision,
): LayersFinding {
  const reason = ranked.length === 0 ? 'no layer could be measured' : misalignment(ranked)
  if (reason !== undefined) return { kind: 'not-aligned', reason }
  const open = finding.kind === 'none' ? unexplained(ranked, scores, precision) : undefined
  return open === undefined ? byEntry(finding, ranked) : { kind: 'unexplained', reason: open }
}

/** The coarser precision of both sides. The one of a side is that of at least half of its layers, or finer. */
function precisionOf(layers: readonly RankedLayer[]): Precision {
  // A table of embeddings keeps the precision of its checkpoint.
  const computed = layers.filter((layer) => !isEmbedding(layer))
  const sides = ([0, 1] as const).map((side) => {
    const precisions = computed.map(({ measured }) => inferPrecision([measured.output.precisions[side]]))
    const ranks = precisions.map((precision) => PRECISIONS.indexOf(precision)).sort((a, b) => a - b)
    return ranks[Math.floor((ranks.length - 1) / 2)] ?? PRECISIONS.length - 1
  })
  return PRECISIONS[Math.min(...sides)]!
}

/**
 * The output error that rounding alone makes in a layer: the floor's, if there is a floor; otherwise what layers of its kind
 * make of such an input, which the rule `amplification` compares with.
 * @returns undefined if nothing is known of it
 */
function naturalError({ measured, floor }: RankedLayer, score: LayerScore): number | undefined {
  if (floor) {
    const errors = usedRows(measured.output).flatMap((row) => floor.output.errors[row] ?? [])
    return errors.length === 0 ? undefined : median(errors)
  }
  const error = score.output / (score.amplification ?? Number.NaN)
  return Number.isFinite(error) ? error : undefined
}

function byEntry(finding: LayerFinding, ranked: readonly { entry: number }[]): LayerFinding {
  if (finding.kind === 'layer') return { ...finding, index: ranked[finding.index]!.entry }
  return finding.kind === 'none' ? { ...finding, largest: finding.largest.map((i) => ranked[i]!.entry) } : finding
}

function orderNotes({ order }: StepLayers): Note[] {
  if (order === 'recorded') return []
  const text = 'the golden does not record in which order its layers ran: their names give it'
  return [info(`${text}. The collector in examples/collect records it in model_tree.json`)]
}

function facts(
  ranked: readonly RankedLayer[],
  hasFloor: boolean,
  precision: string,
  settings: LayersSettings<DumpOrPath>,
): Note[] {
  const texts: string[] = []
  const positions = Math.max(...ranked.map(({ measured }) => measured.output.positions))
  if (positions < 8) {
    const poor = `only ${counted(positions, 'position')} could be compared, which is a poor estimate`
    texts.push(`${poor}: collect a prefill (token 0) of 8 or more, which names more faults`)
  }
  const withoutInputs = ranked.filter((layer) => layer.measured.inputs.length === 0 && !isEmbedding(layer)).length
  if (withoutInputs > 0) {
    const some = `${withoutInputs} of ${ranked.length} layers have no input to compare`
    texts.push(`${some}: the output of the layer before is taken for it`)
  }
  const longer = ranked.find(({ measured }) => measured.output.leftOut > 0)
  if (longer) {
    const { leftOut } = longer.measured.output
    texts.push(`${longer.name}: one side holds ${leftOut} more positions (of the prompt); the last are compared`)
  }
  const lacking = ranked.filter(({ floor }) => !floor).length
  if (!hasFloor) {
    const floor = 'a second run of the golden in the precision of the dump'
    texts.push(`no floor: with the option floor, ${floor}, more faults are named`)
  } else if (lacking > 0) texts.push(`the floor lacks ${lacking} of ${ranked.length} layers, which no rule judges`)
  if (settings.precision !== undefined || precision !== 'fp32') return texts.map(info)
  const settle = "set the option dtype: 'fp32'; kernels that multiply in TF32 are judged by dtype: 'fp16'"
  return [...texts.map(info), warning('both sides hold float32, and are judged as if they were computed in it', settle)]
}

function noPairs(sides: { golden: Dump; dump: Dump }, golden: StepLayers, dump: StepLayers): Error {
  const some = ({ layers }: StepLayers, { path }: Dump) => {
    const names = layers.slice(0, 3).map(({ name }) => name)
    return `${layers.length} in ${path} (${names.join(', ')}…)`
  }
  const held = `${some(golden, sides.golden)}, ${some(dump, sides.dump)}`
  return invalidArgument(`no layer has the same name on both sides: ${held}; name the pairs with the option mapping`)
}
