/**
 * A copy of plain data, such as an outcome, in objects of this context. What a message brings is made of the main
 * context's objects and arrays: in a runner's environment that has its own, `toStrictEqual` would tell them apart.
 */
export function adopt<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return Array.from(value, adopt) as T
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) copy[key] = adopt((value as Record<string, unknown>)[key])
  return copy as T
}
