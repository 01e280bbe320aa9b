import { invalidArgument } from '../../errors.js'
import { checkObject, choice, nonEmptyString, wholeNumber } from '../../lib/check-options.js'
import { pathOf } from '../../lib/file-path.js'
import { checkPrecision } from '../thresholds.js'
import type { Precision } from '../types.js'
import { type Mapping, mappingFlaw } from './mapping.js'
import type { LayersOptions } from './types.js'

export interface LayersSettings<Side> {
  readonly step: number
  readonly floor: Side | undefined
  readonly checkpoint: string | undefined
  readonly precision: Precision | undefined
  readonly unpaired: 'fail' | 'allow'
  readonly mapping: Mapping
}

const NAMES = ['step', 'floor', 'checkpoint', 'dtype', 'unpaired', 'mapping']

/** @throws GoldenLogitsError `invalid-argument` */
export function checkLayersOptions<Side>(options: LayersOptions<Side>): LayersSettings<Side> {
  const values = checkObject<LayersOptions<Side>>('the options', options, NAMES, '{ step: 3 }')
  const step = wholeNumber('step', values.step, 0)
  if (step === undefined) {
    throw invalidArgument('the option step is missing: the token whose layers are compared, such as { step: 3 }')
  }
  return {
    step,
    floor: values.floor,
    precision: checkPrecision(values.dtype),
    checkpoint: nonEmptyString('checkpoint', pathOf(values.checkpoint), 'models/llama'),
    unpaired: choice('unpaired', values.unpaired, ['fail', 'allow']),
    mapping: checkMapping(values.mapping),
  }
}

function checkMapping(mapping: unknown): Mapping {
  const flaw = mapping === undefined ? undefined : mappingFlaw(mapping)
  if (flaw === undefined) return { ...(mapping as Mapping | undefined) }
  throw invalidArgument(
    `mapping must be an object of layer names, such as { 'root.lm_head': '67_LmHead' }, or of arrays of the parts of a fused module, got ${flaw}`,
  )
}
