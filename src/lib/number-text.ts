/** `1 token`, `2 tokens`. @param noun takes an s in the plural */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** `a, b and 3 more`: the first `most` of some texts. */
export function listed(texts: readonly (string | number)[], most: number): string {
  const more = texts.length > most ? ` and ${texts.length - most} more` : ''
  return `${texts.slice(0, most).join(', ')}${more}`
}

/** A number rounded to a number of significant digits, without zeros at its end. */
export function significant(value: number, digits: number): string {
  return String(Number(value.toPrecision(digits)))
}

/** A number as most messages print it: three significant digits. */
export function short(value: number): string {
  return significant(value, 3)
}
