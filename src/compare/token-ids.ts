/** Vocab ids that each run chose, by step: the one at n was chosen after the row of token n, and fed to token n + 1. */
export interface TokenIds {
  readonly golden: readonly number[]
  readonly dump: readonly number[]
}
