/** Random access to bytes of known length: a file, or memory. The only way in which `formats/` reads. */
export interface ByteSource {
  /** The path for error messages. */
  readonly file: string
  readonly size: number
  /** For error messages: which member of an archive these bytes are. */
  readonly member?: string
  /**
   * Fills `into` with the bytes from `offset` on.
   * @throws GoldenLogitsError `file-changed` if the source is shorter than `size` by now
   */
  read(offset: number, into: Uint8Array): void
  /** The same bytes without a copy, valid until the source is closed; undefined if they are not in memory. */
  peek?(offset: number, length: number): Uint8Array | undefined
  /** For `LayoutRecorder`: the bytes there, read or not, do not affect how the file is parsed. */
  disregard?(offset: number, length: number): void
  /** For `LayoutRecorder`: the file contains `name` at these offsets. Any other name would be parsed the same way. */
  reportName?(name: string, offsets: readonly number[]): void
}

/** A copy of `length` bytes. */
export function readBytes(source: ByteSource, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  source.read(offset, bytes)
  return bytes
}

/** Whether the source has these bytes at `offset`. */
export function hasBytes(source: ByteSource, offset: number, bytes: Uint8Array): boolean {
  const actual = source.peek?.(offset, bytes.length) ?? readBytes(source, offset, bytes.length)
  return Buffer.compare(actual, bytes) === 0
}
