import type { ByteSource } from './byte-source.js'
import { holds, holdsRuns, type Run } from './runs.js'

/** Where a file has its own name, without folder and extension. */
export interface OwnName {
  readonly name: string
  readonly places: readonly number[]
  /** What lies around it. */
  readonly around: readonly Run[]
}

/** Has a source its own name, of the same length, at the same places, and the same around it? */
export function holdsOwnName(source: ByteSource, { name, places, around }: OwnName): boolean {
  const own = ownName(source.file)
  if (own?.length !== name.length) return false
  const bytes = Buffer.from(own, 'latin1')
  for (let i = 0; i < places.length; i++) if (!holds(source, places[i]!, bytes)) return false
  return holdsRuns(source, around)
}

/** The name of a file without folder and extension, if every reader of archives takes it for the name of a folder. */
export function ownName(file: string): string | undefined {
  const whole = file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1)
  const dot = whole.lastIndexOf('.')
  const name = dot < 0 ? whole : whole.slice(0, dot)
  return /^\w[\w.-]*$/.test(name) ? name : undefined
}
