/** Where a test is. */
export interface TestPlace {
  readonly project: string
  readonly file: string
}

/** The order of a report's rows, as far as test files go: by code unit, the same on every machine. */
export function byPlace(a: TestPlace, b: TestPlace): number {
  return byCodeUnit(a.project, b.project) || byCodeUnit(a.file, b.file)
}

export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
