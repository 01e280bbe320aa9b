// Node defines this global when something first uses it: that is no change by the package.
void TextEncoder

const OBJECTS: readonly object[] = [
  ...[Object, Array, Function, String, Number, Boolean, Symbol, BigInt, Map, Set, Promise, Error, RegExp, ArrayBuffer],
  ...[Uint8Array, Float32Array, DataView, Buffer, Reflect, JSON, globalThis],
]

/** Every property of the built-in prototypes, as a text that changes if a property changes. */
export function prototypesOf(): string {
  const all = OBJECTS.flatMap((object) => ['prototype' in object ? (object.prototype as object) : object, object])
  return all
    .map((object) =>
      Reflect.ownKeys(object)
        .map((key) => describe(object, key))
        .join(' '),
    )
    .join('\n')
}

function describe(object: object, key: string | symbol): string {
  const { value, get, set, writable } = Object.getOwnPropertyDescriptor(object, key)!
  return `${String(key)}:${typeof value}${typeof get}${typeof set}${writable}${typeof value === 'function' ? value.length : ''}`
}
