import { rowKernel } from '../row-kernel.js'
import type { SketchKernel } from './sketch-kernel.js'
import { createTypescriptSketches } from './typescript-sketches.js'
import { createWasmSketches } from './wasm-sketches.js'

let shared: SketchKernel | undefined

/** The sketch kernel of this thread, created by the first call: of the same language as `rowKernel`. */
export function sketchKernel(): SketchKernel {
  shared ??= rowKernel().name === 'wasm' ? createWasmSketches() : createTypescriptSketches()
  return shared
}
