import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers'
import { GoldenLogitsError } from '../../errors.js'

/**
 * A temporary file for bytes that would be too many for memory. It is made when it is first written to, has no name from
 * then on where the system allows that, and is gone with the object.
 */
export class ScratchFile {
  private descriptor: number | undefined
  private takesMore = true

  /** @returns false where the file cannot be made, or does not take them: the bytes stay with the caller, and so do all later ones */
  write(bytes: Uint8Array, position: number): boolean {
    if (!this.takesMore) return false
    try {
      this.descriptor ??= openFor(this)
      // A full disk takes a part of what it is given, and no error before the next call.
      for (let done = 0; done < bytes.length; ) {
        const count = writeSync(this.descriptor, bytes, done, bytes.length - done, position + done)
        if (count === 0) throw new Error('nothing was taken')
        done += count
      }
    } catch {
      // A read-only or full disk, no descriptors left, a process without the permission: there is still memory.
      this.takesMore = false
    }
    return this.takesMore
  }

  /**
   * Reads what was written.
   * @throws GoldenLogitsError `read-failed` where the disk fails
   */
  read(into: Uint8Array, position: number): void {
    try {
      for (let done = 0; done < into.length; ) {
        const count = readSync(this.descriptor!, into, done, into.length - done, position + done)
        if (count === 0) throw new Error('it ends too early')
        done += count
      }
    } catch (cause) {
      const message = `results kept in a temporary file cannot be read again (${(cause as Error).message}); check the disk`
      throw new GoldenLogitsError('read-failed', message, { file: tmpdir(), cause })
    }
  }
}

/** What an object that is gone leaves behind. */
interface Leftover {
  readonly descriptor: number
  /** That of the file, where it could not be removed while the file is open. */
  readonly folder: string | undefined
}

const leftovers = new Set<Leftover>()
const registry = new FinalizationRegistry<Leftover>(remove)
/**
 * A runner may forget this module with the test file that loaded it, and what is forgotten closes nothing: a timer that
 * never comes due, and keeps no process alive, holds it as long as there is something to close.
 */
let hold: NodeJS.Timeout | undefined
let awaitsExit = false

/** Opens a file that no other user can read, and that nobody finds. */
function openFor(owner: ScratchFile): number {
  const folder = mkdtempSync(join(tmpdir(), 'golden-logits-'))
  let descriptor: number
  try {
    descriptor = openSync(join(folder, 'results'), 'wx+', 0o600)
  } catch (error) {
    isRemoved(folder)
    throw error
  }
  const leftover = { descriptor, folder: isRemoved(folder) ? undefined : folder }
  if (leftover.folder !== undefined && !awaitsExit) {
    awaitsExit = true
    process.once('exit', removeAll)
  }
  leftovers.add(leftover)
  registry.register(owner, leftover)
  hold ??= setTimeout(() => registry, 2 ** 31 - 1).unref()
  return descriptor
}

function isRemoved(folder: string): boolean {
  try {
    rmSync(folder, { recursive: true, force: true })
    return true
  } catch {
    return false
  }
}

/** May be called when the runner has taken its globals away: it takes none. */
function remove(leftover: Leftover): void {
  leftovers.delete(leftover)
  try {
    closeSync(leftover.descriptor)
  } catch {
    // Somebody else has closed it.
  }
  if (leftover.folder !== undefined) isRemoved(leftover.folder)
  if (leftovers.size > 0) return
  hold?.close()
  hold = undefined
}

function removeAll(): void {
  for (const leftover of leftovers) remove(leftover)
}
