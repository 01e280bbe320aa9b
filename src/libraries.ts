import { createRequire } from 'node:module'
import { join } from 'node:path'
import { here } from './here.js'

// Libraries that few comparisons need. To load one takes longer than to compare a token, so that each waits for its
// first use, which is synchronous as everything is.

export function glob(): typeof import('glob') {
  const require = fromHere()
  return require('glob')
}

export function fflate(): typeof import('fflate') {
  const require = fromHere()
  return require('fflate')
}

/** In a bundle, which does not know where it lies: from the working directory. */
function fromHere(): NodeJS.Require {
  return createRequire(here?.startsWith('file:') ? here : join(process.cwd(), 'index.js'))
}
