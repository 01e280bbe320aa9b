/** A remark about a dump or a comparison, in one line. */
export interface Note {
  readonly text: string
  /** `warning` if something was guessed, skipped or excused, or the verdict is weaker than it looks; otherwise `info`. */
  readonly weight: 'warning' | 'info'
}

export function info(text: string): Note {
  return { text, weight: 'info' }
}

/**
 * @param settle what the caller does if the guess is right: which option to set, so that the next comparison has no such
 * warning. Every warning has such an option
 */
export function warning(text: string, settle: string): Note {
  return { text: `${text}; if that is right, ${settle}`, weight: 'warning' }
}

/** The texts of notes, and of the warnings among them. */
export function textsOf(notes: readonly Note[]): { notes: string[]; warnings: string[] } {
  const warnings = notes.filter(({ weight }) => weight === 'warning')
  return { notes: notes.map(({ text }) => text), warnings: warnings.map(({ text }) => text) }
}

/** The notes of one side of a comparison, which say which side it is. */
export function sideNotes(side: 'golden' | 'dump', notes: readonly Note[]): Note[] {
  return notes.map(({ text, weight }) => ({ text: `${side}: ${text}`, weight }))
}
