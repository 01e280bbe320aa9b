import { readFileSync } from 'node:fs'
import { describeValue } from '../errors.js'
import { here } from '../lib/package-url.js'

/** The part of JSON Schema that `report.schema.json` uses. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly definitions?: Readonly<Record<string, Schema>>
}

/** A value that is not what the schema says. The message names its place in the JSON. */
export class SchemaError extends Error {}

/** JSON has no NaN and no infinities: in a report they are strings, and only where a number is expected. */
const NUMBER = '#/definitions/Number'
const NOT_FINITE: readonly unknown[] = ['NaN', 'Infinity', '-Infinity']

let schemaOfReports: Schema | undefined

/** The schema of reports, in the root of the package. It is read once: a run asks for it for each comparison. */
export function reportSchema(): Schema {
  schemaOfReports ??= JSON.parse(readFileSync(new URL('../../report.schema.json', here), 'utf8')) as Schema
  return schemaOfReports
}

/**
 * Checks a value of JSON.
 * @param root has the definitions
 * @param expected the schema of the value
 * @returns a copy with only the properties that the schema knows, and with numbers in place of their strings
 * @throws SchemaError for the first value that the schema does not allow
 */
export function checkSchema(value: unknown, root: Schema, expected = root): unknown {
  const place: (string | number)[] = []

  function check(item: unknown, schema: Schema): unknown {
    if (schema.$ref === NUMBER) {
      if (typeof item === 'number') return item
      return NOT_FINITE.includes(item) ? Number(item) : refuse(item, 'a number')
    }
    if (schema.$ref !== undefined) return check(item, root.definitions![schema.$ref.slice('#/definitions/'.length)]!)
    const choices = 'const' in schema ? [schema.const] : schema.enum
    if (choices && !choices.includes(item)) refuse(item, choices.map((choice) => JSON.stringify(choice)).join(' or '))
    if (schema.type === 'array') return arrayOf(item, schema)
    if (schema.type === 'object') return objectOf(item, schema)
    return typeof item === schema.type ? item : refuse(item, `a ${schema.type}`)
  }

  function arrayOf(item: unknown, { items }: Schema): unknown[] {
    if (!Array.isArray(item)) return refuse(item, 'a list')
    return item.map((element, i) => checkAt(i, element, items!))
  }

  function objectOf(item: unknown, { properties, required = [] }: Schema): object {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return refuse(item, 'an object')
    const absent = required.find((key) => !Object.hasOwn(item, key))
    if (absent !== undefined) {
      place.push(absent)
      refuse(undefined, 'a value')
    }
    const copy: Record<string, unknown> = {}
    for (const [key, part] of Object.entries(item)) {
      if (Object.hasOwn(properties!, key)) copy[key] = checkAt(key, part, properties![key]!)
    }
    return copy
  }

  function checkAt(step: string | number, item: unknown, schema: Schema): unknown {
    place.push(step)
    const checked = check(item, schema)
    place.pop()
    return checked
  }

  function refuse(item: unknown, expected: string): never {
    const path = place.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('')
    const found = item === undefined ? 'absent' : describeValue(item)
    throw new SchemaError(`${path.slice(1) || 'it'} is ${found}, expected ${expected}`)
  }

  return check(value, expected)
}
