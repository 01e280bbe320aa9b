const TREES = [
  'a_clean_f32_vs_f16',
  'c_prefill_decode',
  'd_warmup_prefill_only',
  'f_all_prompt_positions',
  'g1_tp2_same_pid',
]

for (const tree of TREES) {
  test(`passes ${tree}`, () => {
    expect(`../trees/${tree}/my`).toMatchGoldenLogits(`../trees/${tree}/golden`, { dtype: 'bf16' })
  })
}
