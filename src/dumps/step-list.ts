import { type List, lazyArray } from '../lib/lazy-list.js'
import type { Dump, DumpStep, IgnoredPath } from './types.js'

interface Listed<T> {
  readonly items: List<T>
  /** Has nobody had the chance to change them? */
  readonly isUnseen: () => boolean
}

const steps = new WeakMap<Dump, Listed<DumpStep>>()
const ignored = new WeakMap<Dump, Listed<IgnoredPath>>()

type DumpFacts = Omit<Dump, 'steps' | 'ignored'> & { readonly ignored: List<IgnoredPath> }

/** A dump whose `steps` and `ignored` become arrays when they are first looked at: until then they are as small as their lists. */
export function dumpOfSteps(facts: DumpFacts, list: List<DumpStep>): Dump {
  const { path, layout, named, notes, ignored: passedBy, ...others } = facts
  const dump: Dump = { path, layout, named, steps: [], notes, ignored: [], ...others }
  steps.set(dump, { items: list, isUnseen: lazyArray(dump, 'steps', () => [...list]) })
  ignored.set(dump, { items: passedBy, isUnseen: lazyArray(dump, 'ignored', () => [...passedBy]) })
  return dump
}

/** The list that `dumpOfSteps` was given, if its steps are that still. */
export function listedSteps(dump: Dump): List<DumpStep> | undefined {
  return unseen(steps.get(dump))
}

/** The steps of a dump, without making an array of them. */
export function stepsOf(dump: Dump): List<DumpStep> {
  return listedSteps(dump) ?? dump.steps
}

/** The list of ignored paths that `dumpOfSteps` was given, if they are that still. */
export function listedIgnored(dump: Dump): List<IgnoredPath> | undefined {
  return unseen(ignored.get(dump))
}

/** The ignored paths of a dump, without making an array of them. */
export function ignoredOf(dump: Dump): List<IgnoredPath> {
  return listedIgnored(dump) ?? dump.ignored
}

function unseen<T>(listed: Listed<T> | undefined): List<T> | undefined {
  return listed?.isUnseen() ? listed.items : undefined
}
