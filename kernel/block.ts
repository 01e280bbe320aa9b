import { address, convert, FLOAT32 } from './convert'
import { BLOCK, DUMP_BLOCK, GOLDEN_BLOCK } from './layout'

/**
 * The address of a block as float32: the block itself if it is float32 already, otherwise a converted copy in `room`.
 * The last, shorter block is always copied, so that it can be padded.
 */
export function blockOf(row: usize, kind: i32, start: i32, size: i32, room: usize): usize {
  const from = address(row, kind, start)
  if (kind === FLOAT32 && size === BLOCK) return from
  convert(kind, from, room, size)
  return room
}

/** Writes `value` after the `count` elements of a block, up to the next multiple of eight. */
export function pad(block: usize, count: i32, value: f32): void {
  for (let i = count; i < ((count + 7) & ~7); i++) store<f32>(block + ((<usize>i) << 2), value)
}

/** Converts a block and raises logits below the floor to the floor. */
export function raisedBlock(row: usize, kind: i32, start: i32, size: i32, room: usize, floor: f32): void {
  convert(kind, address(row, kind, start), room, size)
  const low = f32x4.splat(floor)
  for (let i: usize = 0; i < (<usize>size) << 2; i += 16) v128.store(room + i, f32x4.pmax(v128.load(room + i), low))
}

/**
 * Converts a block of a pair, and raises the logits below the floors.
 * @returns false if that changes the divergence: the golden is above its floor at an id where the dump is below its own
 */
export function raisePair(
  golden: usize,
  goldenKind: i32,
  dump: usize,
  dumpKind: i32,
  start: i32,
  size: i32,
  goldenFloor: f32,
  dumpFloor: f32,
): bool {
  raisedBlock(golden, goldenKind, start, size, GOLDEN_BLOCK, goldenFloor)
  convert(dumpKind, address(dump, dumpKind, start), DUMP_BLOCK, size)
  pad(GOLDEN_BLOCK, size, goldenFloor)
  pad(DUMP_BLOCK, size, dumpFloor)
  const goldenLow = f32x4.splat(goldenFloor)
  const dumpLow = f32x4.splat(dumpFloor)
  let missed = i32x4.splat(0)
  for (let i: usize = 0; i < (<usize>size) << 2; i += 16) {
    const logits = v128.load(i, DUMP_BLOCK)
    missed = v128.or(missed, v128.and(f32x4.gt(v128.load(i, GOLDEN_BLOCK), goldenLow), f32x4.lt(logits, dumpLow)))
    v128.store(i, f32x4.pmax(logits, dumpLow), DUMP_BLOCK)
  }
  return !v128.any_true(missed)
}
