/**
 * Memory for one row after the other. A new array for each row would keep V8's garbage collector busy, and its threads compete
 * with the threads that compute.
 */
export class ReusedBytes {
  private bytes = new Uint8Array()

  /** @returns `size` bytes of any content, aligned for every element type; the next call returns the same ones */
  take(size: number): Uint8Array<ArrayBuffer> {
    if (this.bytes.length < size) this.bytes = new Uint8Array(size)
    return this.bytes.subarray(0, size)
  }
}
