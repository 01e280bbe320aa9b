import { GoldenLogitsError, printable } from '../errors.js'
import type { RowKernel } from './kernel.js'
import { createTypescriptKernel } from './typescript-kernel.js'
import { createWasmKernel } from './wasm/wasm-kernel.js'

/** Environment variable that chooses the kernel: `wasm`, `typescript`, or `auto` (the default). */
export const KERNEL_VARIABLE = 'GOLDEN_LOGITS_KERNEL'

let shared: RowKernel | undefined

/** The kernel of this process, made at its first use. It compares one pair at a time: see `RowKernel`. */
export function rowKernel(): RowKernel {
  shared ??= createKernel(process.env[KERNEL_VARIABLE])
  return shared
}

/**
 * A new kernel: the one in WebAssembly, or the one in TypeScript where there is no WebAssembly (`node --jitless`).
 * @param choice what `GOLDEN_LOGITS_KERNEL` may say
 * @throws GoldenLogitsError `invalid-argument` for any other choice
 */
export function createKernel(choice = 'auto'): RowKernel {
  switch (choice || 'auto') {
    case 'typescript':
      return createTypescriptKernel()
    case 'wasm':
      return createWasmKernel()
    case 'auto':
      return createFastest()
    default: {
      const message = `${KERNEL_VARIABLE} is '${printable(choice)}', expected auto, wasm or typescript`
      throw new GoldenLogitsError('invalid-argument', message)
    }
  }
}

function createFastest(): RowKernel {
  if (typeof WebAssembly !== 'object') return createTypescriptKernel()
  try {
    return createWasmKernel()
  } catch (error) {
    // A machine without SIMD.
    if (error instanceof WebAssembly.CompileError) return createTypescriptKernel()
    throw error
  }
}
