// Makes every file slow to open, so that threads are worth while whatever the kernel. Preloaded.
const fs = require('node:fs')
const { syncBuiltinESMExports } = require('node:module')

const cell = new Int32Array(new SharedArrayBuffer(4))
exports.sleep = (milliseconds) => Atomics.wait(cell, 0, 0, milliseconds)

const { openSync } = fs
exports.slowDown = (milliseconds) => {
  fs.openSync = (...args) => {
    exports.sleep(milliseconds)
    return openSync(...args)
  }
  syncBuiltinESMExports()
}
