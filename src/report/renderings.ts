import { csv } from './csv.js'
import type { Rendering } from './rows.js'

/** Every form that a report can be written in, by file extension. */
export const RENDERINGS = { csv } satisfies Record<string, Rendering>
