// Loaded into every process of a runner before anything else: contexts may take a copy of node:fs at any time.
const { slowDown } = require('./patches.cjs')

slowDown(1, undefined, (path) => path.includes('-dumps'))
