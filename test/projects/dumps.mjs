import { join } from 'node:path'
import { loadDump } from 'golden-logits'

const TREES = process.env.TREES

/** The golden and the dump of a tree, such as `b_token3_degraded`, where token 3 is wrong. */
export const golden = (tree) => loadDump(join(TREES, tree, 'golden'))
export const dump = (tree, options) => loadDump(join(TREES, tree, 'my'), options)

/** A dump that ends the process when a comparison reads its steps. */
export function deadly(tree, end) {
  const loaded = dump(tree)
  return {
    ...loaded,
    get steps() {
      end()
      return loaded.steps
    },
  }
}
