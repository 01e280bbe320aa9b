import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compareDumps } from '../../src/index.js'
import { atb, logits } from '../build/logits.js'
import { torchDump } from '../build/pair.js'
import { type Files, writeTree } from '../build/tree.js'
import { utf8 } from '../formats/build/pickle.js'

const ROW = { values: logits(1) }
const link = (target: string) => utf8(`$Version=1.0\n$Object.Count=0\ndata=${target}\n$End=1\n`)

/** Token 0 of an execution whose head is a link. */
function token(target: string, files: Files) {
  const execution = Object.entries({ '33_LmHead/after/outtensor0.bin': link(target), ...files })
  const root = writeTree(Object.fromEntries(execution.map(([path, content]) => [`data/0_1/0/${path}`, content])))
  const { tokens, notes } = compareDumps(join(root, 'data'), torchDump([ROW]), { dtype: 'fp32' })
  return { ...tokens[0]!, notes }
}

describe('data that were written once, into another file of the execution', () => {
  test.each([
    ['2_0_outtensor0.bin', '2_Layer/0_Linear/after/outtensor0.bin', '../../2_Layer/0_Linear/after/outtensor0.bin'],
    ['33_1_outtensor0.bin', '33_LmHead/1_AllGather/after/outtensor0.bin', '../1_AllGather/after/outtensor0.bin'],
    ['5_intensor1.bin', '5_Gather/before/intensor1.bin', '../../5_Gather/before/intensor1.bin'],
  ])('%s', (target, path, shown) => {
    const found = token(target, {
      [path]: atb(ROW),
      '2_Layer/10_Linear/after/outtensor0.bin': atb({ values: logits(2) }),
    })
    expect(found).toMatchObject({ verdict: 'pass', metrics: { klDivergence: 0 }, dump: { dtype: 'float32' } })
    expect(found.notes).toContain(`token 0: dump: the data are in ${shown}, as the file says`)
  })

  test.each<[string, Files, RegExp]>([
    [
      '2_0_outtensor0.bin',
      {},
      /outtensor0\.bin: holds no data: .* there are 0 folders of operation 2 in \.\.\/\.\., expected 1/,
    ],
    ['2_0_outtensor0.bin', { '2_A/0_X/after/x': '', '2_A/0_Y/after/x': '' }, /2 folders of operation 0/],
    [
      '2_outtensor0.bin',
      { '2_A/after/x': '' },
      /2_A\/after\/outtensor0\.bin: there is no such file|2_A\/after\/outtensor0\.bin: .*ENOENT/,
    ],
    [
      '2_outtensor0.bin',
      { '2_A/after/outtensor0.bin': link('33_outtensor0.bin') },
      /2_A\/after\/outtensor0\.bin: holds no data/,
    ],
    ['33_outtensor0.bin', {}, /33_LmHead\/after\/outtensor0\.bin: holds no data/],
    [
      '../../secret.bin',
      {},
      /holds no data: its data are in another file of the same execution, '\.\.\/\.\.\/secret\.bin'/,
    ],
  ])('%s that leads nowhere is unreadable', (target, files, reason) => {
    const found = token(target, files)
    expect(found).toMatchObject({ verdict: 'unreadable', pass: false })
    expect(found.reason).toMatch(reason)
  })
})
