/** Writes `value` behind the `count` elements of a block, up to a whole number of eight. */
export function pad(block: usize, count: i32, value: f32): void {
  for (let i = count; i < ((count + 7) & ~7); i++) store<f32>(block + ((<usize>i) << 2), value)
}
