/** `1 token`, `2 tokens`. @param noun takes an s in the plural */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** A number rounded to a number of significant digits, without zeros at its end. */
export function significant(value: number, digits: number): string {
  return String(Number(value.toPrecision(digits)))
}

/** A number as most messages print it: three significant digits. */
export function short(value: number): string {
  return significant(value, 3)
}
