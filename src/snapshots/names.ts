import { basename, dirname, isAbsolute, join, relative } from 'node:path'
import { crypto } from '../lib/optional-packages.js'

/** Of a golden's text file. No watcher takes it for a source. */
export const GOLDEN_SUFFIX = '.golden'

/** Where the goldens of a test file are, beside it. */
export function goldenFolder(testFile: string): string {
  return join(dirname(testFile), '__golden__', basename(testFile))
}

/**
 * The file name of a golden, safe on any file system: the words of its name, and a hash that keeps apart what words do
 * not. Vitest joins suites and test by ` > ` and Jest by a space: both give the same name.
 * @param n position among the test's goldens, from 1; left out for one that the caller named
 */
export function goldenName(name: string, n: number | undefined, variant: string): string {
  const plain = name.replaceAll(' > ', ' ')
  const hash = crypto().createHash('sha256').update(plain).digest('hex').slice(0, 8)
  const count = n === undefined ? '' : `-${n}`
  return `${words(plain, 60)}${count}-${hash}${variant === '' ? '' : `.${variant}`}${GOLDEN_SUFFIX}`
}

function words(text: string, max: number): string {
  const joined = text.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '')
  return joined.slice(0, max).replace(/-$/, '') || 'golden'
}

/**
 * Where a candidate for a golden is left when the runner may not write goldens: outside their folder, in a place that
 * version control ignores.
 * @param root the working directory
 */
export function candidatePath(golden: string, root: string): string {
  const fromRoot = relative(root, golden)
  const inside = fromRoot !== '' && !fromRoot.startsWith('..') && !isAbsolute(fromRoot)
  return join(root, '.golden-logits', 'candidates', inside ? fromRoot : basename(golden))
}
