import { createRequire } from 'node:module'
import { join } from 'node:path'
import { GoldenLogitsError } from '../errors.js'
import { here } from './package-url.js'

// Packages and modules of Node that few comparisons need. Loading one takes longer than comparing a token, so each is
// loaded when it is used first, synchronously.

export function glob(): typeof import('glob') {
  const require = fromHere()
  return load('glob', 'file name patterns', () => require('glob'))
}

export function fflate(): typeof import('fflate') {
  const require = fromHere()
  return load('fflate', 'compressed records and full snapshots', () => require('fflate'))
}

export function crypto(): typeof import('node:crypto') {
  return process.getBuiltinModule('node:crypto')
}

export function sha256(data: string | Uint8Array): Buffer {
  return crypto().createHash('sha256').update(data).digest()
}

/** Resolves packages from this package; from the working directory if a bundle does not know its own URL. */
function fromHere(): NodeJS.Require {
  return createRequire(here?.startsWith('file:') ? here : join(process.cwd(), 'index.js'))
}

/** Bundlers do not see these imports and leave the packages out. */
function load<T>(name: string, use: string, loader: () => T): T {
  try {
    return loader()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw cause
    const message = `'${name}' is not installed; it is needed for ${use}. If golden-logits is bundled, install it beside the bundle`
    throw new GoldenLogitsError('invalid-argument', message, { cause })
  }
}
