import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareDumps, loadDump } from '../../src/index.js'
import { atb, logits, pth, type Tensor } from '../build/logits.js'
import { writeTree } from '../build/tree.js'
import { utf8 } from '../formats/build/pickle.js'

const VOCABULARY = 12
const WARM_UP = { values: logits(99, VOCABULARY) }
const rowOf = (step: number) => logits(step, VOCABULARY)

/** A run of both sides. Each row contains its step. */
const runs = fc.record({
  steps: fc.integer({ min: 1, max: 6 }),
  heads: fc.constantFrom(['33', '67'], ['9', '101'], ['33']),
  spelling: fc.constantFrom(
    (id: string) => `${id}_LmHead`,
    (id: string) => `LmHead_${id}`,
  ),
  warmUps: fc.array(fc.constantFrom('prefill', 'both'), { maxLength: 2 }),
  ranks: fc.constantFrom(1, 2, 3, 12),
  copies: fc.boolean(),
  ownProcesses: fc.boolean(),
  goldenPositions: fc.integer({ min: 1, max: 3 }),
  goldenShape: fc.constantFrom(2, 3),
  newLayout: fc.boolean(),
})

type Run = typeof runs extends fc.Arbitrary<infer T> ? T : never

/** The rows of each execution, by head. */
function executionsOf({ steps, heads, warmUps }: Run): Map<string, Tensor>[] {
  const [prefill, decoder] = heads as [string, string | undefined]
  const row = (step: number): Tensor => ({ values: rowOf(step) })
  if (decoder === undefined) return Array.from({ length: steps }, (_, step) => new Map([[prefill, row(step)]]))
  const before = warmUps.map(
    (kind) => new Map([[prefill, WARM_UP], ...(kind === 'both' ? [[decoder, WARM_UP] as const] : [])]),
  )
  const run = Array.from({ length: Math.max(1, steps - 1) }, (_, n) => {
    const held: [string, Tensor][] = n === 0 ? [[prefill, row(0)]] : []
    if (n + 1 < steps) held.push([decoder, row(n + 1)])
    return new Map(held)
  })
  return [...before, ...run]
}

function partOf({ values }: Tensor, rank: number, { ranks, copies }: Run): Tensor {
  const width = VOCABULARY / ranks
  return { values: copies ? values : values.slice(rank * width, (rank + 1) * width) }
}

function treeOf(run: Run): string {
  const files: Record<string, Uint8Array> = {}
  for (let step = 0; step < run.steps; step++) {
    const positions = step === 0 ? run.goldenPositions : 1
    const values = Array.from({ length: positions }, (_, p) => rowOf(p === positions - 1 ? step : 50 + p)).flat()
    const shape = run.goldenShape === 3 ? [1, positions, VOCABULARY] : [positions, VOCABULARY]
    files[`golden/torch_tensors/cuda0_1/${step}/root.lm_head/output.pth`] = pth({ values, shape })
  }
  const folder = run.newLayout ? 'my/atb_dump_data/data' : 'my/msit_dump_20250301_113000/tensors'
  executionsOf(run).forEach((held, tid) => {
    for (const [head, tensor] of held) {
      for (let rank = 0; rank < run.ranks; rank++) {
        const device = `${rank}_${run.ownProcesses ? 900 - rank : 7}`
        files[`${folder}/${device}/${tid}/${run.spelling(head)}/after/outtensor0.bin`] = atb(partOf(tensor, rank, run))
      }
    }
  })
  // The layers of the run show that there is a decoder even if only one token was generated.
  for (const head of run.heads) {
    const device = `0_${run.ownProcesses ? 900 : 7}`
    const layers = run.newLayout
      ? `my/atb_dump_data/info/layer/${device}`
      : `${dirname(folder)}/layer/${device.slice(2)}`
    files[`${layers}/LmHead_${head}.json`] = utf8('{}')
  }
  return writeTree(files)
}

test('every run aligns: each golden step with the row of the same step', () => {
  fc.assert(
    fc.property(runs, (run) => {
      const root = treeOf(run)
      const { pass, counts, tokens } = compareDumps(join(root, 'my'), join(root, 'golden'), { dtype: 'fp32' })
      expect(tokens.map((token) => [token.step, token.verdict, token.metrics?.klDivergence])).toEqual(
        Array.from({ length: run.steps }, (_, step) => [step, 'pass', 0]),
      )
      expect({ pass, compared: counts.compared, total: counts.total }).toEqual({
        pass: true,
        compared: run.steps,
        total: run.steps,
      })
      // Every file of logits belongs to a step or is listed as ignored.
      const dump = loadDump(join(root, 'my'))
      const heads = executionsOf(run).reduce((sum, held) => sum + held.size, 0) * run.ranks
      expect([...dump.steps].reduce((sum, { files }) => sum + files.length, 0) + dump.ignored.length).toBe(heads)
    }),
    { numRuns: 40 },
  )
})
