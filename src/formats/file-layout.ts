import { type ByteSource, hasBytes, readBytes } from '../io/byte-source.js'
import { isTar } from './index.js'

/**
 * The bytes that determine how a file is parsed: headers, directories and pickles, but no elements and no CRCs of
 * elements. A file of the same size with the same bytes at the same offsets has the same tensors at the same places.
 */
export interface FileLayout {
  readonly size: number
  readonly fragments: readonly Fragment[]
  /** Set if the file contains its own name. */
  readonly ownName: OwnName | undefined
}

/** Bytes of a file, and their offset. */
interface Fragment {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** The name of a file inside the file: torch.save calls the root folder of its archive like the file. */
interface OwnName {
  /** Without folder and extension. */
  readonly name: string
  readonly offsets: readonly number[]
  /** The fragments of the layout without the name. */
  readonly around: readonly Fragment[]
}

/**
 * Whether the file has this layout, byte for byte. Magic bytes of a tar archive may lie among the elements, and decide
 * the format all the same.
 */
export function hasExactLayout(source: ByteSource, { size, fragments }: FileLayout): boolean {
  return source.size === size && hasFragments(source, fragments) && !isTar(source)
}

/** Whether the file has this layout, with its own name in place of the other file's name. */
export function hasLayout(source: ByteSource, layout: FileLayout): boolean {
  const { ownName } = layout
  if (hasExactLayout(source, layout)) return true
  return ownName !== undefined && source.size === layout.size && containsOwnName(source, ownName)
}

function hasFragments(source: ByteSource, fragments: readonly Fragment[]): boolean {
  for (let i = 0; i < fragments.length; i++) {
    const { offset, bytes } = fragments[i]!
    if (!hasBytes(source, offset, bytes)) return false
  }
  return true
}

/** Whether the source contains its own name, of the same length, at the same offsets, and the same bytes around it. */
function containsOwnName(source: ByteSource, { name, offsets, around }: OwnName): boolean {
  const stem = stemOf(source.file)
  if (stem?.length !== name.length) return false
  const bytes = Buffer.from(stem, 'latin1')
  for (let i = 0; i < offsets.length; i++) if (!hasBytes(source, offsets[i]!, bytes)) return false
  return hasFragments(source, around)
}

/** The name of a file without folder and extension; undefined if it is not a safe name for a folder in an archive. */
function stemOf(file: string): string | undefined {
  const base = file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1)
  const dot = base.lastIndexOf('.')
  const stem = dot < 0 ? base : base.slice(0, dot)
  return /^\w[\w.-]*$/.test(stem) ? stem : undefined
}

/** A layout has at most this many bytes. No real file needs more. */
const MAX_BYTES = 64 * 1024

/** Smaller gaps between two fragments become part of the layout: few fragments are checked faster. */
const MAX_GAP = 128

/** A source that records what a reader reads, which is the layout of the file. */
export class LayoutRecorder implements ByteSource {
  readonly file: string
  readonly size: number
  private readonly source: ByteSource
  private fragments: Fragment[] = []
  private bytesRead = 0
  private name: Pick<OwnName, 'name' | 'offsets'> | undefined
  private readonly disregarded: { readonly from: number; readonly to: number }[] = []

  constructor(source: ByteSource) {
    this.source = source
    this.file = source.file
    this.size = source.size
  }

  read(offset: number, into: Uint8Array): void {
    this.source.read(offset, into)
    this.bytesRead += into.length
    if (this.bytesRead <= MAX_BYTES) this.fragments.push({ offset, bytes: new Uint8Array(into) })
  }

  disregard(offset: number, length: number): void {
    if (this.bytesRead > MAX_BYTES) return
    this.disregarded.push({ from: offset, to: offset + length })
    this.fragments = cut(this.fragments, offset, length)
  }

  reportName(name: string, offsets: readonly number[]): void {
    if (stemOf(this.file) === name) this.name = { name, offsets }
  }

  /** Everything that was read and not disregarded after; undefined if that is too much to remember. */
  layout(): FileLayout | undefined {
    if (this.bytesRead > MAX_BYTES) return undefined
    const fragments = this.joined()
    const ownName = this.name && {
      ...this.name,
      around: this.name.offsets.reduce((rest, offset) => cut(rest, offset, this.name!.name.length), fragments),
    }
    return { size: this.size, fragments, ownName }
  }

  /** The fragments in the order of the file, with small gaps between them filled. */
  private joined(): Fragment[] {
    const joined: Fragment[] = []
    for (const fragment of this.fragments.sort((a, b) => a.offset - b.offset)) {
      const before = joined.at(-1)
      const end = before ? before.offset + before.bytes.length : 0
      const gap = fragment.offset - end
      if (!before || (gap > 0 && !this.canFill(end, fragment.offset))) joined.push(fragment)
      else if (fragment.bytes.length + gap > 0) {
        const more = gap > 0 ? [readBytes(this.source, end, gap), fragment.bytes] : [fragment.bytes.subarray(-gap)]
        joined[joined.length - 1] = { offset: before.offset, bytes: Buffer.concat([before.bytes, ...more]) }
      }
    }
    return joined
  }

  private canFill(from: number, to: number): boolean {
    return to - from <= MAX_GAP && !this.disregarded.some((range) => range.from < to && range.to > from)
  }
}

/** The fragments without the bytes in a range. */
function cut(fragments: readonly Fragment[], offset: number, length: number): Fragment[] {
  return fragments.flatMap((fragment) => {
    const [before, after] = [offset - fragment.offset, offset + length - fragment.offset]
    if (after <= 0 || before >= fragment.bytes.length) return [fragment]
    const parts: Fragment[] = []
    if (before > 0) parts.push({ offset: fragment.offset, bytes: fragment.bytes.slice(0, before) })
    if (after < fragment.bytes.length) parts.push({ offset: offset + length, bytes: fragment.bytes.slice(after) })
    return parts
  })
}
