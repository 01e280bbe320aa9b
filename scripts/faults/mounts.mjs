import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Why this process cannot mount anything; undefined if it can. */
export function mountProblem() {
  if (process.platform !== 'linux') return 'mounting small disks needs Linux'
  const folder = mkdtempSync(join(tmpdir(), 'golden-logits-mount-'))
  try {
    mount(folder, ['-t', 'tmpfs', '-o', 'size=4k', 'none'])
    unmount(folder)
    return undefined
  } catch (error) {
    return `mounting small disks needs more rights (${error.message})`
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * Runs `body` while a small disk is mounted at a folder.
 * @param {string} folder is created
 * @param {number} kilobytes its size
 */
export async function onSmallDisk(folder, kilobytes, body) {
  mkdirSync(folder, { recursive: true })
  mount(folder, ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'none'])
  try {
    return await body()
  } finally {
    unmount(folder)
  }
}

/** Runs `body` while a folder, with what it holds, is read-only. Even root cannot write there. */
export async function readOnly(folder, body) {
  mkdirSync(folder, { recursive: true })
  mount(folder, ['--bind', folder])
  try {
    mount(folder, ['-o', 'remount,ro,bind'])
    return await body()
  } finally {
    unmount(folder)
  }
}

/** Writes a file that leaves no room on its disk. @returns a function that removes it */
export function fillUp(folder) {
  const file = join(folder, 'filler')
  let bytes = ''
  for (const size of [4096, 1]) {
    try {
      for (;;) {
        bytes += 'x'.repeat(size)
        writeFileSync(file, bytes)
      }
    } catch (error) {
      if (error.code !== 'ENOSPC') throw error
      bytes = bytes.slice(0, -size)
    }
  }
  return () => rmSync(file)
}

function mount(folder, args) {
  runs('mount', [...args, folder])
}

function unmount(folder) {
  runs('umount', [folder])
}

function runs(program, args) {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' })
  if (error) throw error
  if (status !== 0) throw new Error(stderr.trim())
}
