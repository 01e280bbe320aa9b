// What the tests change of Node, in the main thread and in workers alike.
const fs = require('node:fs')
const { syncBuiltinESMExports } = require('node:module')

const cell = new Int32Array(new SharedArrayBuffer(4))
exports.sleep = (milliseconds) => Atomics.wait(cell, 0, 0, milliseconds)

/** Makes every file that is meant slow to open, so that threads are worth while whatever the kernel. */
exports.slowDown = (milliseconds, eachTime = () => undefined, isMeant = () => true) => {
  const { openSync } = fs
  fs.openSync = (...args) => {
    if (isMeant(String(args[0]))) {
      exports.sleep(milliseconds)
      eachTime()
    }
    return openSync(...args)
  }
  syncBuiltinESMExports()
}

/** Files named `raises-*.bin` cannot be closed: an error that is none of a file's, and ends a comparison. */
exports.failToClose = () => {
  const { openSync, closeSync } = fs
  const raising = new Map()
  fs.openSync = (path, ...args) => {
    const descriptor = openSync(path, ...args)
    if (path.includes('raises-')) raising.set(descriptor, path)
    return descriptor
  }
  fs.closeSync = (descriptor) => {
    closeSync(descriptor)
    const path = raising.get(descriptor)
    raising.delete(descriptor)
    if (path) throw new RangeError(`thrown for ${path.replace(/^.*raises-/, '')}`)
  }
  syncBuiltinESMExports()
}

/** Stops every clock of JavaScript's, as fake timers do. */
exports.stopClocks = () => {
  Date.now = () => 0
  performance.now = () => 0
  process.hrtime = Object.assign(() => [0, 0], { bigint: () => 0n })
}
