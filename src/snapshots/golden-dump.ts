import type { TokenSide } from '../compare/types.js'
import type { Dump } from '../dumps/types.js'
import { dataPath, type Golden, type GoldenToken } from './types.js'

/** A golden as the golden side of an alignment. */
export function goldenDump(golden: Golden): Dump {
  return {
    path: golden.path,
    layout: 'file',
    named: 'folder',
    steps: golden.tokens.map(({ step, layer }) => ({ step, files: [rowsPath(golden)], layer })),
    notes: [],
    ignored: [],
    stepsAssumed: false,
    budgets: {},
  }
}

/** What a golden knows of one of its tokens without its row. */
export function goldenSide(golden: Golden, { layer, dtype, width }: GoldenToken): TokenSide {
  return { files: [rowsPath(golden)], layer, dtype, shape: [1, width], fileShape: [1, width] }
}

function rowsPath({ path, fidelity }: Golden): string {
  return fidelity === 'full' ? dataPath(path) : path
}
