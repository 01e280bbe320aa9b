// What can go wrong in a worker, done to it from outside before its own program starts.
const { appendFileSync } = require('node:fs')
const { MessagePort, threadId } = require('node:worker_threads')
const { failToClose, sleep, slowDown } = require('./patches.cjs')

/** Calls back when the worker has claimed its first pairs, and not yet measured them. */
function whenClaimed(act) {
  const { add } = Atomics
  let claims = 0
  Atomics.add = (cells, index, value) => {
    const before = add(cells, index, value)
    if (index === 0 && before < 1e6 && ++claims === 1) act()
    return before
  }
}

const FAULTS = {
  none: (mark) => whenClaimed(mark),
  exit: (mark) => whenClaimed(() => mark() || process.exit(0)),
  throw: (mark) =>
    whenClaimed(() => {
      mark()
      throw new Error('thrown by the test')
    }),
  exhaust: (mark) =>
    whenClaimed(() => {
      mark()
      const hoard = []
      for (;;) hoard.push(new Array(1000).fill(hoard.length))
    }),
  wedge: (mark) => whenClaimed(() => mark() || sleep(1e9)),
  spin: (mark) =>
    whenClaimed(() => {
      mark()
      for (;;);
    }),
  stop: (mark) => whenClaimed(() => mark() || sleep(1500)),
  'no wake-up': (mark) => {
    whenClaimed(mark)
    Atomics.notify = () => 0
  },
  'no report': (mark) => {
    whenClaimed(mark)
    MessagePort.prototype.postMessage = () => undefined
  },
  'own errors': (mark) =>
    whenClaimed(() => {
      mark()
      Buffer.from = () => {
        throw new RangeError('thrown by the test')
      }
    }),
  'never starts': (mark) => mark() || sleep(1e9),
  late: (mark) => mark() || sleep(2000),
  'fails to start': (mark) => {
    mark()
    throw new Error('thrown by the test')
  },
  raises: (mark) => {
    failToClose()
    whenClaimed(mark)
  },
  stays: (mark) => {
    setInterval(() => undefined, 1e6)
    whenClaimed(mark)
  },
}

exports.FAULTS = Object.keys(FAULTS)

exports.inflict = (fault, marks, slow) => {
  if (slow > 0) slowDown(slow)
  FAULTS[fault](() => appendFileSync(marks, `${threadId}\n`))
}
