import { dirname } from 'node:path'
import { GoldenLogitsError } from '../../errors.js'
import { firstOf } from '../../lib/lazy-list.js'
import type { Dump } from '../types.js'
import { atbLayers } from './atb.js'
import { torchLayers } from './torch.js'
import type { StepLayers } from './types.js'

export type { Layer, StepLayers } from './types.js'

/**
 * The layers that a dump holds of one step. Lists folders and reads no tensor.
 * @throws GoldenLogitsError `nothing-to-compare` if the dump has no such step, or a layout without layers; `ambiguous-run` if
 * it has several ranks
 */
export function layersOf(dump: Dump, step: number): StepLayers {
  const place = firstOf(dump.steps, (candidate) => candidate.step === step)
  if (!place) throw new GoldenLogitsError('nothing-to-compare', absentText(dump, step), { file: dump.path })
  if (place.files.length > 1) {
    const message = `token ${step} has ${place.files.length} ranks, and layers are compared rank by rank: set loadDump's option ranks to the number of one, from 0`
    throw new GoldenLogitsError('ambiguous-run', message, { file: dump.path })
  }
  const file = place.files[0]
  if (file !== undefined && dump.layout === 'torch') return torchLayers(dirname(dirname(file)))
  if (file !== undefined && dump.layout === 'atb') return atbLayers(file)
  const why = place.problem ?? `the layout '${dump.layout}' has no layers`
  throw new GoldenLogitsError('nothing-to-compare', `token ${step} has no layers: ${why}`, { file: dump.path })
}

function absentText({ steps }: Dump, step: number): string {
  const some = Array.from({ length: Math.min(8, steps.length) }, (_, i) => steps.at(i)!.step)
  const more = steps.length > 8 ? ` and ${steps.length - 8} more` : ''
  return `there is no token ${step}; the dump holds ${some.join(', ')}${more}. Collect every layer of this token`
}
