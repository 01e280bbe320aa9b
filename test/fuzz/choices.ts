/** The source of a generator's decisions. 0 is always the simplest choice, so that a list of choices can shrink. */
export interface Choices {
  /** A whole number in [0, n). */
  int(n: number): number
}

/** Choices of a seeded generator (sfc32): the same numbers on every machine. */
export function seeded(seed: number, index = 0): Choices {
  let [a, b, c, d] = [seed | 0, index | 0, 0x9e3779b9 | 0, 1]
  const next = () => {
    const sum = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    c |= 0
    return sum >>> 0
  }
  for (let i = 0; i < 12; i++) next()
  return { int: (n) => Math.floor((next() / 2 ** 32) * n) }
}

/** Choices from a list, which property tests generate and shrink; 0 after its end. */
export function listed(numbers: readonly number[]): Choices {
  let at = 0
  return { int: (n) => (at < numbers.length ? numbers[at++]! % n : 0) }
}

export function pick<T>(choices: Choices, from: readonly T[]): T {
  return from[choices.int(from.length)]!
}

/** True with a probability of `percent` %. */
export function chance(choices: Choices, percent: number): boolean {
  return choices.int(100) >= 100 - percent
}

export function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i))
}

/** Integers that are likely to break readers. */
export const EDGES: readonly bigint[] = [
  ...[0n, 1n, 2n, 7n, 15n, 16n, 17n, 22n, 63n, 64n, 127n, 128n, 255n, 256n, 0x7fffn, 0x8000n, 0xfffen, 0xffffn],
  ...[1n << 16n, (1n << 31n) - 1n, 1n << 31n, (1n << 32n) - 5n, (1n << 32n) - 1n, 1n << 32n, (1n << 32n) + 4n],
  ...[1n << 40n, (1n << 53n) - 1n, 1n << 53n, (1n << 62n) + 1n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n],
]
