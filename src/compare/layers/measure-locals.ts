import { isHeadName } from '../../dumps/layouts/names.js'
import type { Budgets } from '../../io/budgets.js'
import { info, type Note } from '../../lib/note.js'
import { counted, significant } from '../../lib/number-text.js'
import { measureAttention } from '../../measure/layers/local/attention.js'
import { Checkpoint } from '../../measure/layers/local/checkpoint.js'
import { type LayerKind, LocalReader } from '../../measure/layers/local/measure-local.js'
import { measureWiring } from '../../measure/layers/local/wiring.js'
import type { Precision } from '../types.js'
import { standingOf } from './local-standing.js'
import { isEmbedding, lastPart } from './names.js'
import { bestPrefixes, without } from './prefixes.js'
import type { ComparedLayer } from './types.js'
import { attentionsIn, wiringsIn } from './wirings.js'

/**
 * Computes every measured layer from its own input, if that is at hand, and its weight is or is not needed.
 * @returns the same layers, with `local` where it was computed
 * @throws GoldenLogitsError for a checkpoint that cannot be read
 */
export function measureLocals(
  layers: readonly ComparedLayer[],
  budgets: Record<'golden' | 'dump', Partial<Budgets>>,
  path: string | undefined,
): ComparedLayer[] {
  const checkpoint = path === undefined ? undefined : new Checkpoint(path, budgets.golden)
  const names = layers.map(({ golden }) => golden!.name)
  const weights = checkpoint ? weightNames(names, checkpoint.names) : undefined
  const reader = new LocalReader(budgets.golden, budgets.dump, checkpoint)
  const [wirings, attentions] = [wiringsIn(layers), attentionsIn(layers)]
  return layers.map((layer) => {
    if (!layer.measured) return layer
    const wired = wirings.get(layer)
    const wiring = wired && measureWiring(wired.golden, wired.dump, reader.readers)
    if (wiring) return { ...layer, local: wiring }
    const attended = attentions.get(layer)
    const attention = attended && measureAttention(attended.golden, attended.dump, reader.readers)
    if (attention) return { ...layer, local: attention }
    // A norm that adds the residual itself reads one tensor more than one that does not.
    if (layer.golden!.inputs.length !== layer.dump!.inputs.length) return layer
    const { name, type = layer.dump!.type } = layer.golden!
    const local = reader.measure(layer.golden!, layer.dump!, layerKind(name, type), weights?.get(name))
    return local ? { ...layer, local } : layer
  })
}

const WEIGHT = '.weight'

/**
 * The names of layers' weights in a checkpoint, without `.weight`: `model.norm` for `root.model.norm`. The prefixes that fit the
 * most layers are taken off. A head without a weight shares that of the embedding.
 */
function weightNames(layers: readonly string[], weights: readonly string[]): ReadonlyMap<string, string> {
  const bases = new Set(weights.flatMap((name) => (name.endsWith(WEIGHT) ? [name.slice(0, -WEIGHT.length)] : [])))
  const prefixes = bestPrefixes(layers, [...bases])
  const embedding = [...bases].find((name) => isEmbedding({ name }))
  const names = new Map<string, string>()
  for (const name of layers) {
    const short = prefixes && without(name, prefixes.ours)
    const own = short === undefined ? undefined : prefixes!.theirs + short
    const base = own !== undefined && bases.has(own) ? own : isHeadName(name) ? embedding : undefined
    if (base !== undefined) names.set(name, base)
  }
  return names
}

function layerKind(name: string, type = ''): LayerKind {
  if (isEmbedding({ name, type })) return 'embedding'
  const last = lastPart(name)
  if (/norm|^ln_?\w*$/i.test(last) || /norm/i.test(type)) return 'norm'
  return /^act|activation|silu|swish|[gr]elu/i.test(last) || /silu|swish|[gr]elu|activation/i.test(type)
    ? 'activation'
    : 'other'
}

/** What the rule `local` could not judge. */
export function localNotes(layers: readonly ComparedLayer[], precision: Precision, hasCheckpoint: boolean): Note[] {
  const computed = layers.filter(({ local }) => local)
  const silent = computed.filter(({ local }) => standingOf(local!, precision) === 'silent')
  const notes: Note[] = []
  if (hasCheckpoint) {
    const count = computed.length - silent.length
    const text = `the rule local judged ${counted(count, 'layer')} by the checkpoint and their own inputs`
    const why = 'inputs were not dumped, or no weight has the name of a layer'
    notes.push(info(count === 0 ? `${text}: ${why}` : text))
  }
  const [first] = silent
  if (first) {
    const { golden, formula } = first.local!
    notes.push(
      info(
        `the rule local does not judge ${counted(silent.length, 'layer')}, in which the golden itself does not agree with the formula: ${first.golden!.name} is ${significant(golden, 3)} from ${formula}`,
      ),
    )
  }
  return notes
}
