import { join } from 'node:path'
import { atb, pth, type Tensor } from './logits.js'
import { writeTree } from './tree.js'

/**
 * The tensor of one step, or one tensor per rank; `null` leaves the step out, a string is written instead of a tensor.
 */
export type Step = Tensor | readonly Tensor[] | string | null

/** Writes a torch dump of these steps. @returns its path */
export function torchDump(steps: readonly Step[]): string {
  return dumpOf(steps, (step, rank) => `torch_tensors/cuda${rank}_1/${step}/root.lm_head/output.pth`, pth)
}

/** Writes an ATB dump of these steps with one head. @returns its path */
export function atbDump(steps: readonly Step[]): string {
  return dumpOf(steps, (step, rank) => `tensors/${rank}_2/${step}/33_LmHead/after/outtensor0.bin`, atb)
}

function dumpOf(
  steps: readonly Step[],
  pathOf: (step: number, rank: number) => string,
  write: (tensor: Tensor) => Uint8Array,
): string {
  const files: Record<string, Uint8Array | string> = {}
  steps.forEach((content, step) => {
    if (content === null) return
    const ranks: readonly (Tensor | string)[] = isList(content) ? content : [content]
    ranks.forEach((rank, number) => {
      files[`msit_dump_20250301_101500/${pathOf(step, number)}`] = typeof rank === 'string' ? rank : write(rank)
    })
  })
  return join(writeTree(files), 'msit_dump_20250301_101500')
}

function isList(content: Tensor | readonly Tensor[] | string): content is readonly Tensor[] {
  return Array.isArray(content)
}
