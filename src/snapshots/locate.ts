import { join } from 'node:path'
import { kindOf } from '../io/folder.js'
import { goldenFolder, goldenName } from './names.js'

export interface GoldenPlace {
  /** The golden that counts; absent where there is none. */
  readonly existing: string | undefined
  /** Where a new one goes. */
  readonly target: string
}

/**
 * Finds a golden: that of the first variant which has one, else the one without a variant. A new one is of the first
 * variant, so that goldens of other machines stay as they are.
 * @param n position among the test's goldens; left out for one that the caller named
 */
export function locateGolden(
  testFile: string,
  name: string,
  n: number | undefined,
  variants: readonly string[],
): GoldenPlace {
  const folder = goldenFolder(testFile)
  const paths = [...variants, ''].map((variant) => join(folder, goldenName(name, n, variant)))
  return { existing: paths.find((path) => kindOf(path) !== undefined), target: paths[0]! }
}
