import { csv } from './csv.js'
import type { ReportRow } from './rows.js'

/** A text form of a report, made row by row so that memory stays bounded. */
export interface Rendering {
  readonly header: string
  readonly row: (row: ReportRow) => string
}

/** Every form that a report can be written in, by file extension. */
export const RENDERINGS = { csv } satisfies Record<string, Rendering>
