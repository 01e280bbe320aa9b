/** Vocab ids that each run chose, by step: the one at n was chosen after the row of token n, and fed to token n + 1. */
export interface TokenIds {
  readonly golden: readonly number[]
  readonly dump: readonly number[]
  /** A run may have ended before the last token. Otherwise each token but the last must have an id. */
  readonly mayEndEarly?: boolean
}
