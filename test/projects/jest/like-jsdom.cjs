const { runInNewContext } = require('node:vm')
const { TestEnvironment } = require('jest-environment-node')

const ABSENT = ['TextDecoder', 'TextEncoder', 'structuredClone', 'setImmediate', 'clearImmediate', 'fetch', 'Blob']
const OTHERS = [
  'Uint8Array',
  'ArrayBuffer',
  'Float32Array',
  'Float64Array',
  'Int32Array',
  'DataView',
  'Error',
  'Promise',
]

/** Lacks what Jest's jsdom lacks, and has classes of another realm than Node's, as jsdom has. */
module.exports = class extends TestEnvironment {
  constructor(...args) {
    super(...args)
    for (const name of ABSENT) delete this.global[name]
    for (const name of OTHERS) this.global[name] = runInNewContext(name)
    // jsdom has a class of its own. It accepts what Node's does.
    this.global.URL = class {
      constructor(text, base) {
        const { href, protocol } = new URL(text, base)
        Object.assign(this, { href, protocol })
      }
    }
  }
}
