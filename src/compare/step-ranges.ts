/** More parts than these are cut short, to one less. */
const MOST_PARTS = 6

/** A text about steps, gathered one by one in ascending order: it keeps no list of them, for there may be a million. */
export class StepRanges {
  private readonly parts: string[] = []
  private count = 0
  private first = 0
  private last = -1

  add(step: number): void {
    if (this.count === 0 || step !== this.last + 1) {
      if (this.count > 0) this.close()
      this.first = step
    }
    this.last = step
    this.count++
  }

  get length(): number {
    return this.count
  }

  /** `token 3`, `tokens 3 and 5`, `tokens 0 to 4, 7 and 9 to 11`; at most six parts. */
  toString(): string {
    const parts = [...this.parts, ...runParts(this.first, this.last)]
    const noun = this.count === 1 ? 'token' : 'tokens'
    if (parts.length > MOST_PARTS)
      return `${noun} ${parts.slice(0, MOST_PARTS - 1).join(', ')} … (${this.count} in all)`
    const last = parts.at(-1)
    return parts.length < 2 ? `${noun} ${last}` : `${noun} ${parts.slice(0, -1).join(', ')} and ${last}`
  }

  private close(): void {
    if (this.parts.length <= MOST_PARTS) this.parts.push(...runParts(this.first, this.last))
  }
}

/** Two steps in a row are told one by one. */
function runParts(first: number, last: number): string[] {
  if (last - first >= 2) return [`${first} to ${last}`]
  return last > first ? [`${first}`, `${last}`] : [`${first}`]
}

/** The same of a list. Takes ascending steps. */
export function stepRanges(steps: Iterable<number>): string {
  const ranges = new StepRanges()
  for (const step of steps) ranges.add(step)
  return ranges.toString()
}
