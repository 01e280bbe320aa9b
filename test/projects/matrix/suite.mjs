/** One suite for every runner, in the words that they all have. */
export function suite({ describe, test, expect }, golden, dump) {
  const CLEAN = 'a_clean_f32_vs_f16'
  const BAD = 'b_token3_degraded'
  const TREES = [
    'a_clean_f32_vs_f16',
    'c_prefill_decode',
    'd_warmup_prefill_only',
    'f_all_prompt_positions',
    'g1_tp2_same_pid',
  ]

  describe('clean', () => {
    for (const tree of TREES) {
      test(tree, () => {
        expect(dump(tree)).toMatchGoldenLogits(golden(tree), { dtype: 'bf16' })
      })
    }
  })

  describe('degraded', () => {
    test('fails at token 3', () => {
      expect(dump(BAD)).toMatchGoldenLogits(golden(BAD), { dtype: 'bf16' })
    })
    test('is told by .not', () => {
      expect(dump(BAD)).not.toMatchGoldenLogits(golden(BAD), { dtype: 'bf16', steps: [3] })
    })
    test('several comparisons > the second fails', () => {
      expect(dump(CLEAN)).toMatchGoldenLogits(golden(CLEAN), { steps: { to: 2 } })
      expect(dump(BAD)).toMatchGoldenLogits(golden(BAD), { dtype: 'fp16', steps: [3, 4] })
    })
    test('misses a token', () => {
      const short = { ...dump(CLEAN), steps: dump(CLEAN).steps.slice(0, 11) }
      expect(short).toMatchGoldenLogits(golden(CLEAN), { dtype: 'bf16' })
    })
  })

  test('=SUM(A1), "quoted"', () => {
    expect(dump(CLEAN)).toMatchGoldenLogits(golden(CLEAN), { dtype: 'bf16', steps: [7] })
  })
  test('misuse', () => {
    expect(dump(CLEAN)).not.toMatchGoldenLogits(golden(CLEAN), { dtyp: 'bf16' })
  })
  test('resolves', async () => {
    await expect(Promise.resolve(dump(CLEAN))).resolves.toMatchGoldenLogits(golden(CLEAN), {
      dtype: 'bf16',
      steps: [8],
    })
  })
  for (const n of [0, 1, 2]) {
    test.concurrent(`token ${n}`, async () => {
      await new Promise((done) => setTimeout(done, 30 - 10 * n))
      expect(dump(CLEAN)).toMatchGoldenLogits(golden(CLEAN), { dtype: 'bf16', steps: [n] })
    })
  }
}
