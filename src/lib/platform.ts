// What Node and browsers do differently, for code that runs in both.

/** The value of an environment variable; undefined in a browser. */
export function environmentVariable(name: string): string | undefined {
  return globalThis.process?.env?.[name]
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  if (typeof Buffer !== 'undefined') return new Uint8Array(Buffer.from(text, 'base64'))
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}

export function areSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (typeof Buffer !== 'undefined') return Buffer.compare(a, b) === 0
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

let zlib: typeof import('node:zlib') | undefined

/** CRC-32, as in zip archives. Not in a browser, where no archives are read. @param value the register's initial value */
export function crc32(bytes: Uint8Array, value?: number): number {
  zlib ??= process.getBuiltinModule('node:zlib')
  return zlib.crc32(bytes, value)
}

/** Not in a browser, where no row comes from a file. */
export function nodePath(): typeof import('node:path') {
  return process.getBuiltinModule('node:path')
}

/** Not in a browser, where no URL names a file. */
export function nodeUrl(): typeof import('node:url') {
  return process.getBuiltinModule('node:url')
}
