import { writeSync } from 'node:fs'
import { environmentVariable } from '../lib/platform.js'
import { now } from './threads/clock.js'

/** Environment variable: `off` prints no progress. */
export const PROGRESS_VARIABLE = 'GOLDEN_LOGITS_PROGRESS'

/** The first line comes after this long, and then at most one in this time. */
const INTERVAL_MS = 5000

/** Progress lines on stderr while long work blocks the thread: short work prints nothing. */
export class Progress {
  private readonly total: number
  private readonly doing: string
  private readonly write: (line: string) => void
  private readonly clock: () => number
  private readonly start: number
  private last: number

  /** @param doing what is done with each token: `compared` */
  constructor(total: number, doing: string, write = writeLine, clock = now) {
    this.total = total
    this.doing = doing
    this.write = environmentVariable(PROGRESS_VARIABLE) === 'off' ? () => undefined : write
    this.clock = clock
    this.start = clock()
    this.last = this.start
  }

  /** Prints a line if it is time. @param done how many tokens are done, about */
  at(done: number): void {
    const time = this.clock()
    if (time - this.last < INTERVAL_MS || done <= 0 || done >= this.total) return
    this.last = time
    const left = Math.round(((time - this.start) * (this.total - done)) / done / 1000)
    this.write(`golden-logits: ${done} of ${this.total} tokens ${this.doing}, about ${left} s left\n`)
  }
}

/** Synchronous: the thread is blocked until the work ends. If stderr is closed or its pipe is full, the line is lost. */
function writeLine(line: string): void {
  try {
    writeSync(2, line)
  } catch {
    // There is nowhere to write to.
  }
}
