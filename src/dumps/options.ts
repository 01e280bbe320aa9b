import { describeValue, GoldenLogitsError, invalidArgument, printable } from '../errors.js'
import { resolveBudgets } from '../io/budgets.js'

const OPTIONS = ['run', 'layer', 'firstStep', 'budgets']

/** @throws GoldenLogitsError `invalid-argument` for what `loadDump` cannot take */
export function checkLoadArguments(path: unknown, options: unknown): void {
  if (typeof path !== 'string' || path === '') {
    const found = path === '' ? 'an empty text' : path === null ? 'null' : `a value of type ${typeof path}`
    throw invalidArgument(`loadDump wants the path of a dump or a glob pattern, got ${found}`)
  }
  if (path.includes('\0')) {
    throw new GoldenLogitsError('invalid-argument', 'a path cannot hold a NUL character', { file: path })
  }
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidArgument(
      `loadDump's options must be an object such as { firstStep: 1 }, got ${describeValue(options)}`,
    )
  }
  const unknown = Object.keys(options).find((key) => !OPTIONS.includes(key))
  if (unknown !== undefined) {
    throw invalidArgument(`loadDump has no option '${printable(unknown)}'; it has ${OPTIONS.join(', ')}`)
  }
  const { firstStep, run, layer, budgets } = options as Record<string, unknown>
  for (const [name, value, such] of [['run', run, '0_1445461'] as const, ['layer', layer, '67_LmHead'] as const]) {
    if (value === undefined || (typeof value === 'string' && value !== '')) continue
    throw invalidArgument(
      `${name} must be a name, such as '${such}', got ${value === '' ? 'an empty text' : describeValue(value)}`,
    )
  }
  if (firstStep !== undefined && !(Number.isSafeInteger(firstStep) && (firstStep as number) >= 0)) {
    throw invalidArgument(`firstStep must be a whole number from 0, got ${describeValue(firstStep)}`)
  }
  resolveBudgets(budgets as undefined)
}
