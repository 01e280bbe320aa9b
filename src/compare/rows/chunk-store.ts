import { ScratchFile } from './scratch-file.js'

const NONE = -1

interface Chunk<View> {
  /** `NONE` while it holds nothing of use. */
  number: number
  readonly bytes: Uint8Array
  readonly view: View
  /** Does it hold what the file does not? */
  isNew: boolean
}

/**
 * Memory in chunks of one size, by their numbers. So many of them are in memory, the others in a temporary file, each to
 * come back when it is asked for: cheap where chunks are gone through in order. What the file does not take stays in memory.
 */
export class ChunkStore<View> {
  private readonly size: number
  private readonly kept: number
  private readonly viewOf: (buffer: ArrayBuffer) => View
  private readonly file = new ScratchFile()
  /** Each chunk has one place here, which it shares with others. */
  private readonly places: (Chunk<View> | undefined)[] = []
  private readonly inFile = new Set<number>()
  /** Those that the file did not take. */
  private readonly stuck = new Map<number, Chunk<View>>()

  /**
   * @param size bytes of a chunk
   * @param kept how many are in memory, from 1
   * @param viewOf what is handed out of a chunk
   */
  constructor(size: number, kept: number, viewOf: (buffer: ArrayBuffer) => View) {
    this.size = size
    this.kept = kept
    this.viewOf = viewOf
  }

  /** What was written; undefined where nothing was. Holds until another chunk is asked for. */
  at(number: number): View | undefined {
    const found = this.inMemory(number) ?? (this.inFile.has(number) ? this.fetched(number) : undefined)
    return found?.view
  }

  /** To write to; zeros at first. Holds until another chunk is asked for. */
  forWriting(number: number): View {
    const chunk = this.inMemory(number) ?? this.fetched(number)
    chunk.isNew = true
    return chunk.view
  }

  private inMemory(number: number): Chunk<View> | undefined {
    const chunk = this.places[number % this.kept]
    return chunk?.number === number ? chunk : this.stuck.get(number)
  }

  private fetched(number: number): Chunk<View> {
    const place = number % this.kept
    const freed = this.freed(place)
    const chunk = freed ?? this.made()
    if (this.inFile.has(number)) this.file.read(chunk.bytes, number * this.size)
    else if (freed) chunk.bytes.fill(0)
    chunk.number = number
    this.places[place] = chunk
    return chunk
  }

  /** The memory of the chunk that has the place, if it may be another's from now on. */
  private freed(place: number): Chunk<View> | undefined {
    const chunk = this.places[place]
    if (!chunk) return undefined
    const { number, bytes, isNew } = chunk
    if (isNew && !this.file.write(bytes, number * this.size)) {
      this.stuck.set(number, chunk)
      this.places[place] = undefined
      return undefined
    }
    if (isNew) this.inFile.add(number)
    chunk.isNew = false
    chunk.number = NONE
    return chunk
  }

  private made(): Chunk<View> {
    const buffer = new ArrayBuffer(this.size)
    return { number: NONE, bytes: new Uint8Array(buffer), view: this.viewOf(buffer), isNew: false }
  }
}
