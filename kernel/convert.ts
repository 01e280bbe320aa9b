// Converts raw little-endian elements to float32, each rounded once. Loops over vectors may read up to 15 bytes and
// write up to 28 bytes beyond the last element.

export const FLOAT32: i32 = 0
const BFLOAT16: i32 = 1
const FLOAT16: i32 = 2
const FLOAT64: i32 = 3
const INT64: i32 = 4
const INT32: i32 = 5
const INT16: i32 = 6
const INT8: i32 = 7
const UINT8: i32 = 8
export const BOOL: i32 = 9

/** The address of element `index` of a row. */
export function address(row: usize, kind: i32, index: i32): usize {
  let shift = 2
  if (kind === FLOAT64 || kind === INT64) shift = 3
  else if (kind === BFLOAT16 || kind === FLOAT16 || kind === INT16) shift = 1
  else if (kind >= INT8) shift = 0
  return row + ((<usize>index) << shift)
}

export function convert(kind: i32, from: usize, to: usize, count: i32): void {
  const end = to + ((<usize>count) << 2)
  if (kind === FLOAT32) memory.copy(to, from, (<usize>count) << 2)
  else if (kind === BFLOAT16) convertBfloat16(from, to, end)
  else if (kind === FLOAT16) convertFloat16(from, to, end)
  else if (kind === FLOAT64) convertFloat64(from, to, end)
  else convertInteger(kind, from, to, end)
}

function convertBfloat16(from: usize, to: usize, end: usize): void {
  for (; to < end; to += 32, from += 16) {
    const halves = v128.load(from)
    v128.store(to, i32x4.shl(i32x4.extend_low_i16x8_u(halves), 16))
    v128.store(to, i32x4.shl(i32x4.extend_high_i16x8_u(halves), 16), 16)
  }
}

/**
 * Exponent and mantissa, moved to their positions in float32, are the number times 2⁻¹¹², subnormals included. Infinity
 * and NaN, with an exponent of all ones, become numbers of at least 65,536, which float16 cannot represent, and are
 * corrected afterwards.
 */
function convertFloat16(from: usize, to: usize, end: usize): void {
  const kept = i32x4.splat(0x8fffe000)
  const scale = f32x4.splat(<f32>(2.0 ** 112))
  const ones = i16x8.splat(0x7c00)
  let special = i16x8.splat(0)
  let at = to
  for (; at < end; at += 32, from += 16) {
    const halves = v128.load(from)
    special = v128.or(special, i16x8.eq(v128.and(halves, ones), ones))
    v128.store(at, f32x4.mul(v128.and(i32x4.shl(i32x4.extend_low_i16x8_s(halves), 13), kept), scale))
    v128.store(at, f32x4.mul(v128.and(i32x4.shl(i32x4.extend_high_i16x8_s(halves), 13), kept), scale), 16)
  }
  if (!v128.any_true(special)) return
  for (at = to; at < end; at += 16) {
    const value = v128.load(at)
    const wrong = f32x4.ge(f32x4.abs(value), f32x4.splat(65536))
    v128.store(at, i32x4.add(value, v128.and(wrong, i32x4.splat(0x38000000))))
  }
}

function convertFloat64(from: usize, to: usize, end: usize): void {
  for (; to < end; to += 8, from += 16) v128.store(to, f32x4.demote_f64x2_zero(v128.load(from)))
}

function convertInteger(kind: i32, from: usize, to: usize, end: usize): void {
  for (; to < end; to += 4) {
    let value: f32 = 0
    if (kind === INT64) {
      value = <f32>load<i64>(from)
      from += 8
    } else if (kind === INT32) {
      value = <f32>load<i32>(from)
      from += 4
    } else if (kind === INT16) {
      value = <f32>load<i16>(from)
      from += 2
    } else {
      if (kind === INT8) value = <f32>load<i8>(from)
      else if (kind === UINT8) value = <f32>load<u8>(from)
      else value = load<u8>(from) === 0 ? 0 : 1
      from += 1
    }
    store<f32>(to, value)
  }
}
