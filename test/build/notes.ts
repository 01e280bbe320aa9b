import type { Dump } from '../../src/index.js'

/** The notes of a dump, with their weight in front of warnings. */
export function notesOf({ notes }: Pick<Dump, 'notes'>): string[] {
  return notes.map(({ text, weight }) => (weight === 'warning' ? `warning: ${text}` : text))
}
