import { invalidArgument, printable } from '../errors.js'
import { environmentVariable } from '../lib/platform.js'
import type { RowKernel } from './kernel.js'
import { TypescriptKernel } from './typescript-kernel.js'
import { WasmKernel } from './wasm/wasm-kernel.js'

/** Environment variable that selects the kernel: `wasm`, `typescript`, or `auto` (the default). */
export const KERNEL_VARIABLE = 'GOLDEN_LOGITS_KERNEL'

let shared: RowKernel | undefined

/** The kernel of this thread, created by the first call. It compares one pair at a time: see `RowKernel`. */
export function rowKernel(): RowKernel {
  shared ??= createKernel(environmentVariable(KERNEL_VARIABLE))
  return shared
}

/**
 * A new kernel: in WebAssembly, or in TypeScript if there is no WebAssembly (`node --jitless`).
 * @param choice a value of `GOLDEN_LOGITS_KERNEL`
 * @throws GoldenLogitsError `invalid-argument` for any other choice
 */
export function createKernel(choice = 'auto'): RowKernel {
  switch (choice || 'auto') {
    case 'typescript':
      return new TypescriptKernel()
    case 'wasm':
      return new WasmKernel()
    case 'auto':
      return createFastest()
    default:
      throw invalidArgument(`${KERNEL_VARIABLE} is '${printable(choice)}', expected auto, wasm or typescript`)
  }
}

function createFastest(): RowKernel {
  if (typeof WebAssembly !== 'object') return new TypescriptKernel()
  try {
    return new WasmKernel()
  } catch (error) {
    // The processor has no SIMD.
    if (error instanceof WebAssembly.CompileError) return new TypescriptKernel()
    throw error
  }
}
