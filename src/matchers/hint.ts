import { CALIBRATION_FORMAT } from '../compare/calibration/types.js'
import { printable } from '../errors.js'
import { isUrl } from '../lib/file-path.js'
import type { MatcherContext } from './types.js'

/** The first line of a message: the call as the user wrote it, `expect(dump).toMatchGoldenLogits(golden, { dtype: 'bf16' })`. */
export function hint(context: MatcherContext, name: string, expected: string, options: object): string {
  const { isNot = false, promise = '', utils } = context
  const second = Object.keys(options).length === 0 ? undefined : optionsText(options)
  if (utils?.matcherHint)
    return utils.matcherHint(name, 'dump', expected, { isNot, promise, secondArgument: second ?? '' })
  const args = [expected, second].filter((text) => text).join(', ')
  return `expect(dump)${promise && `.${promise}`}${isNot ? '.not' : ''}.${name}(${args})`
}

/** Options as the call spells them, shortened if they are long. */
export function optionsText(options: object): string {
  const text = valueText(options)
  return text.length <= 100 ? text : '{ … }'
}

function valueText(value: unknown): string {
  if (typeof value === 'string') return `'${printable(value)}'`
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  if (isUrl(value)) return `'${printable(value.href)}'`
  // A dump, whose logits would be printed, and a calibration.
  const { path, steps, format } = value as { path?: unknown; steps?: unknown; format?: unknown }
  if (typeof path === 'string' && typeof steps === 'object') return `'${printable(path)}'`
  if (format === CALIBRATION_FORMAT) return '{ … }'
  return `{ ${Object.entries(value)
    .map(([key, v]) => `${key}: ${valueText(v)}`)
    .join(', ')} }`
}
