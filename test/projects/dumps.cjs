const { join } = require('node:path')
const { loadDump } = require('golden-logits')

const TREES = process.env.TREES
const golden = (tree) => loadDump(join(TREES, tree, 'golden'))
const dump = (tree, options) => loadDump(join(TREES, tree, 'my'), options)

/** A dump that ends the process when a comparison reads its steps. */
function deadly(tree, end) {
  const loaded = dump(tree)
  return {
    ...loaded,
    get steps() {
      end()
      return loaded.steps
    },
  }
}

module.exports = { golden, dump, deadly }
