import { dirname } from 'node:path'
import { GoldenLogitsError } from '../../errors.js'
import { firstOf } from '../../lib/lazy-list.js'
import type { Dump } from '../types.js'
import { atbLayers } from './atb.js'
import { msprobeLayers } from './msprobe.js'
import { sglangLayers } from './sglang.js'
import { torchLayers } from './torch.js'
import { transformersLayers } from './transformers.js'
import type { Layer, StepLayers } from './types.js'

export type { Layer, RankFiles, StepLayers } from './types.js'

/**
 * The layers that a dump holds of one step. Lists folders and reads no tensor.
 * @throws GoldenLogitsError `nothing-to-compare` if the dump has no such step, a rank lacks it, or the layout has no layers
 */
export function layersOf(dump: Dump, step: number): StepLayers {
  const place = firstOf(dump.steps, (candidate) => candidate.step === step)
  if (!place) throw new GoldenLogitsError('nothing-to-compare', absentText(dump, step), { file: dump.path })
  const read = READERS[dump.layout]
  if (read && place.files.length > 0 && place.problem === undefined) {
    return joinRanks(place.files.map(read))
  }
  const why = place.problem ?? `the layout '${dump.layout}' has no layers`
  throw new GoldenLogitsError('nothing-to-compare', `token ${step} has no layers: ${why}`, { file: dump.path })
}

/** The layers of one rank's step, by the file of its logits. */
const READERS: Partial<Record<Dump['layout'], (file: string) => StepLayers>> = {
  torch: (file) => torchLayers(dirname(dirname(file))),
  atb: atbLayers,
  msprobe: msprobeLayers,
  sglang: sglangLayers,
  transformers: transformersLayers,
}

/** The layers of all ranks as one, in the first rank's order. */
function joinRanks(ranks: readonly StepLayers[]): StepLayers {
  const [first, ...others] = ranks as readonly [StepLayers, ...StepLayers[]]
  if (others.length === 0) return first
  const byName = ranks.map(({ layers }) => new Map(layers.map((layer) => [layer.name, layer])))
  const names = new Set(ranks.flatMap(({ layers }) => layers.map(({ name }) => name)))
  const layers = [...names].map((name): Layer => {
    const onRanks = byName.map((layers) => layers.get(name))
    const layer = onRanks.find((one) => one !== undefined)!
    const problem = onRanks.find((one) => one?.problem)?.problem ?? rankProblem(onRanks)
    const least = Math.min(...onRanks.map((one) => one?.inputs.length ?? 0))
    const files = onRanks.map((one) => ({ outputs: one?.outputs ?? [], inputs: one?.inputs.slice(0, least) ?? [] }))
    return { ...layer, inputs: files[0]!.inputs, ranks: files, problem }
  })
  return { ...first, layers }
}

/** Why the ranks do not make one layer. */
function rankProblem(onRanks: readonly (Layer | undefined)[]): string | undefined {
  const absent = onRanks.indexOf(undefined)
  if (absent >= 0) return `rank ${absent} of ${onRanks.length} has no such layer`
  const counts = onRanks.map((one) => one!.outputs.length)
  const other = counts.findIndex((count) => count !== counts[0])
  return other < 0 ? undefined : `rank 0 has ${counts[0]} outputs of it, and rank ${other} has ${counts[other]}`
}

function absentText({ steps }: Dump, step: number): string {
  const some = Array.from({ length: Math.min(8, steps.length) }, (_, i) => steps.at(i)!.step)
  const more = steps.length > 8 ? ` and ${steps.length - 8} more` : ''
  return `there is no token ${step}; the dump holds ${some.join(', ')}${more}. Collect every layer of this token`
}
