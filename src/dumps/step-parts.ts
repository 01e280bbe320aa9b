import { join, sep } from 'node:path'
import { printable } from '../errors.js'
import { NumberColumn } from '../io/number-column.js'
import { digitsOf } from '../io/numbered-text.js'
import { Interned } from './interned.js'
import type { DumpStep } from './types.js'

/** One rank's logits at one step. */
export interface StepPart {
  readonly layer: string
  /** Absent where `problem` says why there is none. */
  readonly file?: string
  readonly problem?: string
}

/** A part without what differs from step to step: its paths begin below the `{TID}` folder, where texts hold a NUL for it. */
interface PartForm {
  readonly part: StepPart
  /** How much higher the step is than the number of its folder. */
  readonly shift: number
}

/** What one rank holds, step by step, in ascending order: nearly always the same but for the number of the folder. */
export class StepParts {
  readonly device: string
  readonly steps = new NumberColumn()
  private readonly forms = new Interned<PartForm>()
  private readonly below: string

  constructor(device: string) {
    this.device = device
    this.below = join(device, sep)
  }

  get length(): number {
    return this.steps.length
  }

  add(step: number, tid: number, { layer, file, problem }: StepPart): void {
    const folder = this.folderOf(tid)
    const below = file?.slice(folder.length)
    const text = problem?.replace(printable(folder, Number.POSITIVE_INFINITY), '\0')
    const shift = step - tid
    const key = `${shift}\0${layer}\0${below ?? '\0'}\0${text ?? ''}`
    this.steps.push(step)
    this.forms.push(key, () => ({
      part: { layer, ...(below !== undefined && { file: below }), ...(text !== undefined && { problem: text }) },
      shift,
    }))
  }

  /** The step of that place, where there is no other rank. */
  stepAt(index: number): DumpStep {
    const { layer, file, problem } = this.partAt(index)
    const step = this.steps.at(index)!
    return file === undefined ? { step, files: [], layer, problem: problem! } : { step, files: [file], layer }
  }

  /** @param guess where it likely is */
  find(step: number, guess: number): StepPart | undefined {
    const index = this.steps.at(guess) === step ? guess : placeOf(step, this.steps)
    return index === undefined ? undefined : this.partAt(index)
  }

  private partAt(index: number): StepPart {
    const { part, shift } = this.forms.at(index)!
    const folder = this.folderOf(this.steps.at(index)! - shift)
    const { layer, file, problem } = part
    if (file !== undefined) return { layer, file: folder + file }
    return { layer, problem: problem!.replace('\0', () => printable(folder, Number.POSITIVE_INFINITY)) }
  }

  private folderOf(tid: number): string {
    return this.below + digitsOf(tid)
  }
}

/** The place of a number among ascending ones. */
function placeOf(number: number, numbers: NumberColumn): number | undefined {
  let [from, to] = [0, numbers.length]
  while (from < to) {
    const middle = (from + to) >>> 1
    if (numbers.at(middle)! < number) from = middle + 1
    else to = middle
  }
  return numbers.at(from) === number ? from : undefined
}
