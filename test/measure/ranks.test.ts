import { describe, expect, test } from 'vitest'
import { compareDumps, type TokenComparison } from '../../src/index.js'
import { logits, type Tensor } from '../build/logits.js'
import { atbDump, type Step, torchDump } from '../build/pair.js'

const ROW = logits(3, 24)

/** The row split along the vocabulary. */
function split(row: readonly number[], ranks: number, dtype: Tensor['dtype'] = 'float32'): Tensor[] {
  const width = row.length / ranks
  return Array.from({ length: ranks }, (_, r) => ({ values: row.slice(r * width, (r + 1) * width), dtype }))
}

function copies(row: readonly number[], ranks: number): Tensor[] {
  return Array.from({ length: ranks }, () => ({ values: row }))
}

function token(golden: Step, dump: Step, options = {}): TokenComparison {
  return compareDumps(atbDump([dump]), torchDump([golden]), { dtype: 'fp32', ...options }).tokens[0]!
}

describe('a vocabulary that is split over ranks', () => {
  test.each([2, 3, 12])('over %d, in numeric order of the devices', (ranks) => {
    for (const found of [
      token({ values: ROW }, split(ROW, ranks)),
      token(split(ROW, ranks), { values: ROW }),
      token(split(ROW, ranks), split(ROW, ranks)),
      token(copies(ROW, 2), split(ROW, ranks)),
      token(split(ROW, ranks), copies(ROW, ranks)),
    ]) {
      expect(found).toMatchObject({ verdict: 'pass', metrics: { klDivergence: 0 }, golden: { shape: [1, 24] } })
      expect(found.dump!.shape).toEqual([1, 24])
    }
  })

  test('unevenly, as a padded last rank is', () => {
    const parts = [{ values: ROW.slice(0, 10) }, { values: ROW.slice(10, 20) }, { values: ROW.slice(20) }]
    const found = token({ values: ROW }, parts)
    expect(found).toMatchObject({ verdict: 'pass', metrics: { klDivergence: 0 } })
    expect(found.dump!.files.map((file) => /tensors\/(\d+)_/.exec(file)![1])).toEqual(['0', '1', '2'])
  })

  test('is not taken in another order', () => {
    const [first, second] = split(ROW, 2) as [Tensor, Tensor]
    expect(token({ values: ROW }, [second, first]).verdict).toBe('over-threshold')
  })

  test('only the last position of each rank counts', () => {
    const [first, second] = split(ROW, 2) as [Tensor, Tensor]
    const prompt = (part: Tensor) => ({ values: [...logits(8, 12), ...part.values], shape: [1, 2, 12] })
    expect(token({ values: ROW }, [prompt(first), prompt(second)])).toMatchObject({
      verdict: 'pass',
      dump: { fileShape: [1, 2, 12] },
    })
  })

  test('may be cut to a vocabulary size', () => {
    const padded = [...ROW, ...Array.from({ length: 6 }, () => -200)]
    expect(token({ values: ROW }, split(padded, 3), { vocabSize: 24 })).toMatchObject({ verdict: 'pass' })
  })
})

describe('ranks that hold the whole vocabulary each', () => {
  test('are one row', () => {
    for (const found of [
      token({ values: ROW }, copies(ROW, 3)),
      token(copies(ROW, 2), { values: ROW }),
      token(copies(ROW, 2), copies(ROW, 2)),
    ]) {
      expect(found).toMatchObject({ verdict: 'pass', metrics: { klDivergence: 0 } })
      expect(found.dump!.shape).toEqual([1, 24])
    }
  })

  test('must not differ by a bit', () => {
    const odd = [...ROW.slice(0, 23), ROW[23]! + 1e-6]
    const found = token({ values: ROW }, [...copies(ROW, 2), { values: odd }])
    expect(found.verdict).toBe('shape-mismatch')
    expect(found.reason).toMatch(
      /^each rank of the dump is as wide as the golden, so they must be copies of one row, but .*tensors\/0_2\/.*\.bin and .*tensors\/2_2\/.*\.bin hold different logits; if they are parts of the vocabulary, ranks of the golden are missing$/,
    )
  })

  test('must not differ on one side where they are copies on the other: nor are they parts then', () => {
    const nearly = [{ values: ROW }, { values: ROW.map((logit) => logit + 0.01 * Math.sin(logit)) }]
    for (const found of [
      token(copies(ROW, 2), nearly, { dtype: 'bf16' }),
      token(nearly, copies(ROW, 2), { dtype: 'bf16' }),
    ]) {
      expect(found).toMatchObject({ verdict: 'shape-mismatch', golden: { shape: [1, 24] }, dump: { shape: [1, 24] } })
      expect(found.reason).toContain('hold different logits')
    }
  })

  test('two of equal width on both sides, but different: parts of one vocabulary', () => {
    const found = token(split(ROW, 2), split(ROW, 2))
    expect(found.golden!.shape).toEqual([1, 24])
  })
})

describe('ranks that make no row', () => {
  test('one of them is not there', () => {
    const found = token(split(ROW, 2), split(ROW, 3).slice(0, 2))
    expect(found).toMatchObject({ verdict: 'shape-mismatch' })
    expect(found.reason).toBe(
      'vocabularies differ: golden 12 + 12 columns, dump 8 + 8; if one side pads its vocabulary, set the option vocabSize (to 16 or below)',
    )
  })

  test('half of a vocabulary is never half of the other', () => {
    expect(token(split(ROW, 2), split(ROW, 2).slice(0, 1)).verdict).toBe('shape-mismatch')
    expect(token({ values: ROW }, split(ROW, 2).slice(0, 1)).reason).toContain(
      'if the dump is one rank of a tensor-parallel run, name the folder that holds all its ranks',
    )
  })

  test('of different dtypes', () => {
    const mixed = [split(ROW, 2)[0]!, split(ROW, 2, 'float16')[1]!]
    const reason = 'the ranks of the dump have different dtypes (float32 and float16)'
    expect(token({ values: ROW }, mixed)).toMatchObject({ verdict: 'shape-mismatch', reason })
  })

  test('one that cannot be read', () => {
    const found = compareDumps(
      atbDump([[split(ROW, 2)[0]!, 'broken' as unknown as Tensor]]),
      torchDump([{ values: ROW }]),
      { dtype: 'fp32' },
    ).tokens[0]!
    expect(found).toMatchObject({ verdict: 'unreadable', reason: expect.stringContaining('tensors/1_2/0/33_LmHead') })
  })
})
