/** Random access to bytes of known length: a file, or memory. The readers of `formats/` know nothing else. */
export interface ByteSource {
  /** The path to name in errors. */
  readonly file: string
  readonly size: number
  /**
   * Fills `into` with the bytes from `offset` on.
   * @throws GoldenLogitsError `file-changed` where the source turns out shorter than `size`.
   */
  read(offset: number, into: Uint8Array): void
  /** The same bytes without a copy, good until the source is closed, where it has them in memory. */
  peek?(offset: number, length: number): Uint8Array | undefined
  /** Tells who keeps account of what is read (`RecordedSource`) that nothing so far has come of the bytes there. */
  disregard?(offset: number, length: number): void
  /** Tells the same that there are texts at these places which are the file's own name, if they are. */
  named?(name: string, places: readonly number[]): void
}
