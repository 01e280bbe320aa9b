import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { here } from '../../lib/package-url.js'

/**
 * The file of the built package that a worker runs: that of the CommonJS half, which starts faster.
 * @param program a module that has its own bundle
 * @returns undefined if there is none: in a bundle, or if the sources run as TypeScript
 */
export function workerFile(program: string): string | undefined {
  if (!here?.startsWith('file:')) return undefined
  try {
    const file = fileURLToPath(new URL(`../cjs/${program}.js`, here))
    return existsSync(file) ? file : undefined
  } catch {
    return undefined
  }
}
