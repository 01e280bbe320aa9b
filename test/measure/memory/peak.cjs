// Compares so many tokens of tiny rows on so many threads, and writes as JSON the peak memory of this process, in MB, and by
// how much the comparison raised it, with the workers started and the messages that came from them. Arguments: the folder of
// the built package, one for the dumps, tokens, threads.
const { writeSync } = require('node:fs')
const { join } = require('node:path')
const workers = require('node:worker_threads')
const { mixedDumps } = require('../threads/child/dumps.cjs')
const { slowDown } = require('../threads/child/patches.cjs')
const { ownPeak } = require('./own-peak.cjs')

const [dist, folder, tokens, threads] = process.argv.slice(2)
let [started, messages] = [0, 0]
workers.Worker = class extends workers.Worker {
  constructor(...args) {
    super(...args)
    started++
  }
}
const { receiveMessageOnPort } = workers
workers.receiveMessageOnPort = (port) => {
  const received = receiveMessageOnPort(port)
  if (received) messages++
  return received
}
const { toMatchGoldenLogits } = require(join(dist, 'cjs/matchers.js'))
const { golden, dump } = mixedDumps(folder, Number(tokens), [['plain', 'noisy']])
// As slow as larger rows are, so that workers are worth while.
slowDown(0.01)
const before = ownPeak()
const options = { threads: Number(threads), dtype: 'bf16' }
const { message } = toMatchGoldenLogits.call({ isNot: false }, dump, golden, options)
const [peak, raised] = [ownPeak(), ownPeak() - before]
// After the measurement: a message reads all tokens.
const compared = Number(/(\d+) tokens compared/.exec(message())[1])
writeSync(1, JSON.stringify({ compared, started, messages, peak, raised }))
