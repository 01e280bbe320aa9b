const { appendFileSync, readFileSync, writeFileSync } = require('node:fs')
require('golden-logits/jest')
const { expect, test } = require('@jest/globals')
const { deadly, dump, golden } = require('../dumps.cjs')

const { END, RUNS, WAITS } = process.env
const TREE = 'a_clean_f32_vs_f16'

test('before', () => {
  if (RUNS) appendFileSync(RUNS, 'x')
  expect(dump(TREE)).toMatchGoldenLogits(golden(TREE), { dtype: 'bf16' })
})

const ENDS = {
  leave: () => process.exit(0),
  kill: () => process.kill(process.pid, 'SIGKILL'),
  // Jest runs the file again, so it must exit twice.
  exitTwice: () => {
    if (readFileSync(RUNS, 'utf8').length < 3) process.reallyExit(7)
  },
  wait: async () => {
    writeFileSync(WAITS, '')
    await new Promise(() => {})
  },
}

test('the end', async () => {
  expect(dump(TREE)).toMatchGoldenLogits(golden(TREE), { dtype: 'bf16', steps: [0, 1] })
  if (END.startsWith('within-')) {
    expect(deadly(TREE, ENDS[END.slice(7)])).toMatchGoldenLogits(golden(TREE), { dtype: 'bf16' })
  }
  await ENDS[END]()
}, 600_000)
