import { KERNEL_MODULE } from './module.generated.js'

/** The WebAssembly kernel, compiled from kernel/: rows are given by their offset in memory, dtype and length. */
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
}

let compiled: WebAssembly.Module | undefined

/**
 * A kernel over `memory`, compiled at the first call.
 * @throws whatever WebAssembly throws where it is switched off or lacks SIMD
 */
export function instantiate(memory: WebAssembly.Memory): KernelExports {
  compiled ??= new WebAssembly.Module(Buffer.from(KERNEL_MODULE, 'base64'))
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } })
  const kernel = exports as unknown as KernelExports
  kernel.init()
  return kernel
}
