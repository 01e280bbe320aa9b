import { writeFileSync } from 'node:fs'
import 'golden-logits/vitest'
import { expect, test } from 'vitest'
import { deadly, dump, golden } from '../dumps.mjs'

const TREE = 'a_clean_f32_vs_f16'

test('before', () => {
  expect(dump(TREE)).toMatchGoldenLogits(golden(TREE), { dtype: 'bf16' })
})

const ENDS = {
  kill: () => process.kill(process.pid, 'SIGKILL'),
  exit: () => process.reallyExit(7),
  memory: () => {
    const hoard = []
    for (;;) hoard.push(new Array(100_000).fill(hoard.length))
  },
  wait: async () => {
    writeFileSync(process.env.WAITS, '')
    await new Promise(() => {})
  },
}

test('the end', async () => {
  expect(dump(TREE)).toMatchGoldenLogits(golden(TREE), { dtype: 'bf16', steps: [0, 1] })
  if (process.env.END.startsWith('within-')) {
    expect(deadly(TREE, ENDS[process.env.END.slice(7)])).toMatchGoldenLogits(golden(TREE), { dtype: 'bf16' })
  }
  await ENDS[process.env.END]()
}, 600_000)
