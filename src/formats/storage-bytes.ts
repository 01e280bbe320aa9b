/** The raw bytes of one storage, wherever the container keeps them. */
export interface StorageBytes {
  readonly bigEndian: boolean
  /** Fills `into` with the bytes from `offset` on. */
  read(offset: number, into: Uint8Array): void
}
