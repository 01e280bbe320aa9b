import { join } from 'node:path'
import { loadDump } from 'golden-logits'

const TREES = process.env.TREES

/** The golden and the dump of a tree, e.g. of `b_token3_degraded`, whose token 3 is off. */
export const golden = (tree) => loadDump(join(TREES, tree, 'golden'))
export const dump = (tree) => loadDump(join(TREES, tree, 'my'))

/** A dump that ends its process as soon as a comparison looks at it. */
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
