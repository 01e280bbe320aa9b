import { describeValue, invalidArgument } from '../../errors.js'
import { checkObject, choice, wholeNumber } from '../../lib/check-options.js'
import { ALIASES, PRECISIONS, precisionNamed } from '../thresholds.js'
import type { Precision } from '../types.js'
import type { LayersOptions } from './types.js'

export interface LayersSettings<Side> {
  readonly step: number
  readonly floor?: Side
  readonly precision?: Precision
  readonly unpaired: 'fail' | 'allow'
  readonly mapping: Readonly<Record<string, string>>
}

const NAMES = ['step', 'floor', 'dtype', 'unpaired', 'mapping']

/** @throws GoldenLogitsError `invalid-argument` */
export function checkLayersOptions<Side>(options: LayersOptions<Side>): LayersSettings<Side> {
  const values = checkObject<LayersOptions<Side>>('the options', options, NAMES, '{ step: 3 }')
  const step = wholeNumber('step', values.step, 0)
  if (step === undefined) {
    throw invalidArgument('the option step is missing: the token whose layers are compared, such as { step: 3 }')
  }
  const { floor } = values
  const precision = checkDtype(values.dtype)
  return {
    step,
    ...(floor !== undefined && { floor }),
    ...(precision !== undefined && { precision }),
    unpaired: choice('unpaired', values.unpaired, ['fail', 'allow']),
    mapping: checkMapping(values.mapping),
  }
}

function checkDtype(dtype: unknown): Precision | undefined {
  if (dtype === undefined) return undefined
  const precision = typeof dtype === 'string' ? precisionNamed(dtype) : undefined
  if (precision) return precision
  throw invalidArgument(`dtype must be one of ${[...PRECISIONS, ...ALIASES].join(', ')}, got ${describeValue(dtype)}`)
}

function checkMapping(mapping: unknown): Readonly<Record<string, string>> {
  if (mapping === undefined) return {}
  const isMapping = typeof mapping === 'object' && mapping !== null && !Array.isArray(mapping)
  if (isMapping && Object.values(mapping).every((name) => typeof name === 'string')) return { ...mapping }
  throw invalidArgument(
    `mapping must be an object of layer names, such as { 'root.lm_head': '67_LmHead' }, got ${describeValue(mapping)}`,
  )
}
