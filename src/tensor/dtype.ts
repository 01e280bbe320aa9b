/** Bytes of one element of each type. */
const ITEM_SIZE = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint64: 8,
  uint32: 4,
  uint16: 2,
  uint8: 1,
  bool: 1,
}

/** Element types, by their PyTorch names. */
export type Dtype = keyof typeof ITEM_SIZE

/** Bytes of one element. */
export function itemSize(dtype: Dtype): number {
  return ITEM_SIZE[dtype]
}
