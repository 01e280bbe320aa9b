import type { RowKernel } from './kernel.js'
import { createTypescriptKernel } from './typescript-kernel.js'

let shared: RowKernel | undefined

/** The kernel of this process, made at its first use. It compares one pair at a time: see `RowKernel`. */
export function rowKernel(): RowKernel {
  shared ??= createTypescriptKernel()
  return shared
}
