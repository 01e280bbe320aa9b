import { loadDump } from '../dumps/load.js'
import { listedIgnored, listedSteps, stepsOf } from '../dumps/step-list.js'
import type { Dump, DumpStep } from '../dumps/types.js'
import { GoldenLogitsError, printable } from '../errors.js'
import { resolveBudgets } from '../io/budgets.js'

/**
 * Opens a path; takes a dump as it is, if it has the form that `loadDump` gives it: anything may arrive here.
 * @throws GoldenLogitsError `invalid-argument`, `nothing-to-compare`, and what `loadDump` throws
 */
export function asDump(side: 'golden' | 'dump', value: unknown): Dump {
  if (typeof value === 'string') return loadDump(value)
  const dump = value as Dump | null | undefined
  const looksLike = typeof dump === 'object' && dump !== null && hasSteps(dump) && typeof dump.path === 'string'
  if (!looksLike) throw noDump(side, value)
  if (stepsOf(dump).length === 0) {
    throw new GoldenLogitsError('nothing-to-compare', `the ${side} holds no step`, { file: dump.path })
  }
  const flaw = flawOf(dump)
  if (flaw === undefined) return dump
  const message = `the ${side} must be a dump from loadDump as it is or a path, got one ${flaw}`
  throw new GoldenLogitsError('invalid-argument', message, { file: dump.path })
}

function hasSteps(dump: Dump): boolean {
  return listedSteps(dump) !== undefined || Array.isArray(dump.steps)
}

function noDump(side: string, value: unknown): GoldenLogitsError {
  const found =
    value === null ? 'null' : typeof value === 'object' ? `a ${constructorName(value as object)}` : typeof value
  const hint = value instanceof Promise ? ' (loadDump is synchronous: nothing to await)' : ''
  const message = `the ${side} must be a dump from loadDump or a path, got ${found}${hint}`
  return new GoldenLogitsError('invalid-argument', message)
}

function constructorName(value: object): string {
  const maker: unknown = value.constructor
  return typeof maker === 'function' ? printable(maker.name, 40) : 'bare object'
}

/** What is not as `loadDump` makes it. */
function flawOf(dump: Dump): string | undefined {
  const { notes, budgets } = dump
  // A list is `loadDump`'s own, and to look through the array would make it.
  const wrong = listedSteps(dump) ? -1 : dump.steps.findIndex((step) => !isStep(step))
  if (wrong >= 0) return `whose steps[${wrong}] is no step with its files`
  if (!Array.isArray(notes) || !notes.every(isText)) return 'whose notes are no texts'
  if (!listedIgnored(dump) && !areIgnored(dump.ignored)) return 'whose ignored is no list of paths and reasons'
  resolveBudgets(budgets)
  return undefined
}

function areIgnored(ignored: Dump['ignored']): boolean {
  return Array.isArray(ignored) && ignored.every((one) => isText(one?.path) && isText(one?.reason))
}

function isStep(step: DumpStep | null | undefined): boolean {
  if (typeof step !== 'object' || step === null) return false
  const { files, layer, problem } = step
  return (
    typeof step.step === 'number' &&
    Array.isArray(files) &&
    files.every((file) => isText(file) && file !== '' && !file.includes('\0')) &&
    isText(layer) &&
    (problem === undefined || isText(problem))
  )
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
