import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compareDumps } from '../../src/compare/compare-dumps.js'
import { logits, pth, rawOf } from '../build/logits.js'
import { writeTree } from '../build/tree.js'
import { npy, safetensors } from '../formats/build/arrays.js'
import { bytesField, numberField } from '../formats/build/onnx.js'
import { bytesOf } from '../formats/build/pickle.js'
import { zip } from '../formats/build/zip.js'

const WIDTH = 8

/** Writers of one row of float32, by the ending of the file. */
const WRITERS: Readonly<Record<string, (values: readonly number[]) => Uint8Array>> = {
  npy: (values) => npy(rawOf(values, 'float32'), { shape: `(1, ${values.length})` }),
  npz: (values) => zip([{ name: 'logits.npy', content: npy(rawOf(values, 'float32')) }]),
  safetensors: (values) => {
    const bytes = rawOf(values, 'float32')
    return safetensors({ logits: { dtype: 'F32', shape: [1, WIDTH], data_offsets: [0, bytes.length] } }, bytes)
  },
  pt: (values) => pth({ values }),
  pb: (values) =>
    bytesOf(numberField(1, 1), numberField(1, WIDTH), numberField(2, 1), bytesField(9, rawOf(values, 'float32'))),
}

const steps = (ending: string, rows: readonly (readonly number[])[]) =>
  Object.fromEntries(rows.map((row, step) => [`${ending}/step_${step}.${ending}`, WRITERS[ending]!(row)]))

const ROWS = Array.from({ length: 12 }, (_, step) => logits(step, WIDTH))

test.each(Object.keys(WRITERS))('a run in .%s files compares with the same run in any other format', (ending) => {
  const root = writeTree(Object.assign({}, ...Object.keys(WRITERS).map((name) => steps(name, ROWS))))
  for (const other of Object.keys(WRITERS)) {
    if (other === ending) continue
    const comparison = compareDumps(join(root, ending), join(root, other))
    expect(comparison).toMatchObject({ pass: true, counts: { total: 12, passed: 12 } })
    for (const { metrics } of comparison.tokens) expect(metrics).toMatchObject({ klDivergence: 0, cosineSimilarity: 1 })
  }
})

test.each(Object.keys(WRITERS))('a wrong row in a .%s file fails its token, and no other', (ending) => {
  const wrong = ROWS.map((row, step) => (step === 5 ? [...row].reverse() : row))
  const root = writeTree({ ...steps(ending, wrong), 'golden/step_0.npy': WRITERS.npy!(ROWS[0]!) })
  const golden = writeTree(steps('npy', ROWS))
  const { tokens, firstFailure } = compareDumps(join(root, ending), join(golden, 'npy'))
  expect(firstFailure).toMatchObject({ step: 5, verdict: 'over-threshold' })
  expect(tokens.filter(({ pass }) => !pass)).toHaveLength(1)
})

test.each(Object.keys(WRITERS))('a damaged .%s file fails its token, and no other', (ending) => {
  const root = writeTree({
    ...steps(ending, ROWS),
    [`${ending}/step_5.${ending}`]: WRITERS[ending]!(ROWS[5]!).subarray(1),
  })
  const golden = writeTree(steps('npy', ROWS))
  const { counts, firstFailure } = compareDumps(join(root, ending), join(golden, 'npy'))
  expect(counts).toMatchObject({ total: 12, passed: 11, unreadable: 1 })
  expect(firstFailure!.reason).toContain(`step_5.${ending}: `)
})
