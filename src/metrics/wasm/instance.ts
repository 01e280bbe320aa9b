import { fromBase64 } from '../../lib/platform.js'
import { KERNEL_MODULE } from './module.generated.js'

/**
 * The functions of the WebAssembly kernel, compiled from kernel/. A row is an offset in memory, a dtype and a length.
 */
export interface KernelExports {
  init(): void
  measurePair(golden: number, goldenKind: number, dump: number, dumpKind: number, count: number): void
  foldRow(row: number, length: number): number
  sumMass(row: number, kind: number, count: number, power: number, floor: number): number
  averageBregman(
    golden: number,
    goldenKind: number,
    dump: number,
    dumpKind: number,
    count: number,
    power: number,
    shift: number,
    goldenFloor: number,
    dumpFloor: number,
  ): number
  // Of a row of float32: see src/metrics/sketches/sketch-kernel.ts.
  sumExponentials(row: number, count: number, max: number): number
  sumBetween(row: number, from: number, to: number, least: number, most: number): void
  quantiseCentered(row: number, count: number, least: number, center: number, scale: number, to: number): void
  quantiseRoots(row: number, from: number, to: number, least: number, max: number, scale: number, target: number): void
  addSketches(integers: number, stride: number, random: number, blocks: number, group: number): void
}

let compiled: WebAssembly.Module | undefined

/**
 * A kernel that works on `memory`. The module is compiled by the first call.
 * @throws an error of the engine if WebAssembly is disabled or has no SIMD
 */
export function instantiate(memory: WebAssembly.Memory): KernelExports {
  compiled ??= new WebAssembly.Module(fromBase64(KERNEL_MODULE))
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } })
  const kernel = exports as unknown as KernelExports
  kernel.init()
  return kernel
}
