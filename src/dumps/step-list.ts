import { type List, lazyArray } from '../list.js'
import type { Dump, DumpStep } from './types.js'

interface Listed {
  readonly steps: List<DumpStep>
  /** Has nobody had the chance to change them? */
  readonly isUnseen: () => boolean
}

const listed = new WeakMap<Dump, Listed>()

/** A dump whose `steps` become an array when they are first looked at: until then they are as small as their list. */
export function dumpOfSteps(facts: Omit<Dump, 'steps'>, steps: List<DumpStep>): Dump {
  const { path, layout, named, ...others } = facts
  const dump: Dump = { path, layout, named, steps: [], ...others }
  listed.set(dump, { steps, isUnseen: lazyArray(dump, 'steps', () => [...steps]) })
  return dump
}

/** The list that `dumpOfSteps` was given, if its steps are that still. */
export function listedSteps(dump: Dump): List<DumpStep> | undefined {
  const known = listed.get(dump)
  return known?.isUnseen() ? known.steps : undefined
}

/** The steps of a dump, without making an array of them. */
export function stepsOf(dump: Dump): List<DumpStep> {
  return listedSteps(dump) ?? dump.steps
}
