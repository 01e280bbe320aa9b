import type { PairOutcome } from '../measure-pair.js'
import { ChunkStore } from './chunk-store.js'

const PAGE = 2 ** 18

/** Where an outcome lies in the log. */
export interface LogPlace {
  readonly position: number
  readonly length: number
}

/** Outcomes that are no rows of numbers, one behind the other as bytes: small where they stay in memory, and mostly in a file. */
export class OutcomeLog {
  private readonly pages: ChunkStore<Uint8Array>
  private end = 0

  /** @param kept pages of 256 kB that are in memory */
  constructor(kept: number) {
    this.pages = new ChunkStore(PAGE, kept, (buffer) => new Uint8Array(buffer))
  }

  /** Takes an outcome, but for the files and layers of its sides, which its steps tell. */
  add(outcome: PairOutcome): LogPlace {
    const bytes = Buffer.from(JSON.stringify(outcome, encoded))
    const place = { position: this.end, length: bytes.length }
    for (let done = 0; done < bytes.length; ) {
      const at = (this.end + done) % PAGE
      const some = bytes.subarray(done, done + PAGE - at)
      this.pages.forWriting(Math.floor((this.end + done) / PAGE)).set(some, at)
      done += some.length
    }
    this.end += bytes.length
    return place
  }

  /** What was added, with no files and layers. */
  at({ position, length }: LogPlace): PairOutcome {
    const bytes = Buffer.allocUnsafe(length)
    for (let done = 0; done < length; ) {
      const at = (position + done) % PAGE
      const page = this.pages.at(Math.floor((position + done) / PAGE))!
      const some = page.subarray(at, at + length - done)
      bytes.set(some, done)
      done += some.length
    }
    return JSON.parse(bytes.toString(), decoded)
  }
}

/** JSON knows neither NaN and the infinities nor −0. */
function encoded(key: string, value: unknown): unknown {
  if (key === 'files') return []
  if (key === 'layer') return ''
  const isOther = typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))
  return isOther ? { number: Object.is(value, -0) ? '-0' : String(value) } : value
}

function decoded(_: string, value: unknown): unknown {
  const number = (value as { number?: unknown } | null)?.number
  return typeof number === 'string' ? Number(number) : value
}
