import type { Dump } from '../dumps/types.js'
import type { ListedComparison } from './types.js'

/** A remark about a comparison, in one line. */
export interface Note {
  readonly text: string
  /** `warning` if something was guessed, skipped or excused, or the verdict is weaker than it looks; otherwise `info`. */
  readonly weight: 'warning' | 'info'
}

export function info(text: string): Note {
  return { text, weight: 'info' }
}

/** @param confirm what the caller does if the guess is right, so that the next comparison has no such warning */
export function warning(text: string, confirm?: string): Note {
  return { text: confirm === undefined ? text : `${text}; to confirm, ${confirm}`, weight: 'warning' }
}

type NotedDump = Pick<Dump, 'notes' | 'stepsAssumed'>

/** A note of `loadDump` that is a warning. */
interface DumpWarning {
  readonly pattern: RegExp
  /** Left out if the text says it already. */
  readonly confirm?: string
  /** Returns whether the options of `loadDump` settle it, so that the note is an info. */
  readonly isSettled: (dump: NotedDump) => boolean
}

const NEVER = (): boolean => false

/** The notes of a dump are plain strings: these are the warnings, all others are infos. A new guess needs a line here. */
const DUMP_WARNINGS: readonly DumpWarning[] = [
  // These name the option that settles them.
  { pattern: /^executions? .* taken for a warm-up: /, isSettled: hasFirstStep },
  { pattern: /^only the decoder's head .* was dumped: /, isSettled: hasFirstStep },
  {
    pattern: /^only the prefill head .* was dumped: /,
    // A single execution leaves nothing to choose.
    isSettled: ({ stepsAssumed }) => !stepsAssumed,
  },
  {
    pattern: /^no first output in folder /,
    confirm: 'name these files in the path or pattern',
    isSettled: NEVER,
  },
  {
    pattern: / is not a step of its run \(/,
    confirm: "set loadDump's option firstStep, the number of the token",
    isSettled: ({ stepsAssumed }) => !stepsAssumed,
  },
]

function hasFirstStep({ notes }: NotedDump): boolean {
  return notes.some((note) => note.startsWith('firstStep '))
}

/** Gives the notes of a dump their weight. */
export function weighDumpNotes(side: string, dump: NotedDump): Note[] {
  return dump.notes.map((note) => {
    const text = `${side}: ${note}`
    const guess = DUMP_WARNINGS.find(({ pattern }) => pattern.test(note))
    return guess === undefined || guess.isSettled(dump) ? info(text) : warning(text, guess.confirm)
  })
}

/** True if `strict` makes the comparison fail, and nothing else does. */
export function failsByWarnings(comparison: ListedComparison): boolean {
  const { firstFailure, counts } = comparison
  return hasStrictWarnings(comparison) && firstFailure === undefined && counts.compared > 0
}

/** True if there are warnings, and the option `strict` makes them fail. */
export function hasStrictWarnings({ strict, warnings }: ListedComparison): boolean {
  return strict && warnings.length > 0
}
