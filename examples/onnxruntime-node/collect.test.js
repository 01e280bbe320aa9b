import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import 'golden-logits/vitest'
import { logitsOf } from 'golden-logits'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, test } from 'vitest'
import { decode, writeDump } from '../collect/collect.ts'

const prompt = [17, 3, 99, 200, 5, 17]
const open = (model) => InferenceSession.create(`../models/tiny/onnx/${model}.onnx`)

test('a float16 build reads the text of the golden, token by token, and matches it', async () => {
  const golden = await decode(await open('model'), Tensor, prompt, { steps: 6 })
  const tested = await decode(await open('model_fp16'), Tensor, prompt, { steps: 6, forced: golden.ids })
  const folder = mkdtempSync(join(tmpdir(), 'collect-'))
  try {
    writeDump(join(folder, 'golden'), golden) // once, for later runs and other machines
    expect(logitsOf(tested.logits)).toMatchGoldenLogits(join(folder, 'golden'), { dtype: 'fp16', decoding: 'forced' })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
