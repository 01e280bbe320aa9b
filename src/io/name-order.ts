const [ZERO, NINE] = [0x30, 0x39]

/**
 * Compares numbers in names numerically (`9` before `10`, `0_9` before `0_10`), and everything else by UTF-16 code
 * units, which is the same on every machine. Not with `Intl.Collator`: creating one takes as long as comparing many
 * tokens.
 */
export function compareNames(a: string, b: string): number {
  return compareFrom(a, b, 0, 0) || (a < b ? -1 : a > b ? 1 : 0)
}

/** @returns 0 if they differ only by leading zeros */
function compareFrom(a: string, b: string, start: number, otherStart: number): number {
  let [i, j] = [start, otherStart]
  for (; i < a.length && j < b.length && a.charCodeAt(i) === b.charCodeAt(j); j++) i++
  // Go back to the beginning of the number that differs.
  for (; i > start && isDigit(a, i - 1); j--) i--
  if (!isDigit(a, i) || !isDigit(b, j)) {
    return i < a.length && j < b.length ? a.charCodeAt(i) - b.charCodeAt(j) : a.length - i - (b.length - j)
  }
  const [end, otherEnd] = [endOfDigits(a, i), endOfDigits(b, j)]
  return compareNumbers(a.slice(i, end), b.slice(j, otherEnd)) || compareFrom(a, b, end, otherEnd)
}

export function isDigit(text: string, at: number): boolean {
  const unit = text.charCodeAt(at)
  return unit >= ZERO && unit <= NINE
}

function endOfDigits(text: string, start: number): number {
  let end = start
  while (isDigit(text, end)) end++
  return end
}

/** Compares numbers of any length. */
function compareNumbers(a: string, b: string): number {
  const [left, right] = [withoutZeros(a), withoutZeros(b)]
  return left.length - right.length || (left < right ? -1 : left > right ? 1 : 0)
}

function withoutZeros(digits: string): string {
  let start = 0
  while (digits.charCodeAt(start) === ZERO) start++
  return digits.slice(start)
}
