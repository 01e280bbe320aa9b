import { createRequire } from 'node:module'
import { join } from 'node:path'
import { GoldenLogitsError } from '../errors.js'
import { here } from './package-url.js'

// Libraries, Node's own among them, that few comparisons need. To load one takes longer than to compare a token, so that
// each waits for its first use, which is synchronous as everything is.

export function glob(): typeof import('glob') {
  const require = fromHere()
  return found('glob', () => require('glob'))
}

export function fflate(): typeof import('fflate') {
  const require = fromHere()
  return found('fflate', () => require('fflate'))
}

export function crypto(): typeof import('node:crypto') {
  return process.getBuiltinModule('node:crypto')
}

/** In a bundle, which may not know where it lies: from the working directory. */
function fromHere(): NodeJS.Require {
  return createRequire(here?.startsWith('file:') ? here : join(process.cwd(), 'index.js'))
}

/** A bundler does not see what is loaded so, and leaves it out. */
function found<T>(name: string, load: () => T): T {
  try {
    return load()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw cause
    const message = `patterns, compressed records and goldens of full fidelity take the package '${name}', which is not there: in a bundle, install it beside the bundle`
    throw new GoldenLogitsError('invalid-argument', message, { cause })
  }
}
