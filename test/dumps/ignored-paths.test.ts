import { join } from 'node:path'
import { expect, test } from 'vitest'
import { IgnoredPaths } from '../../src/dumps/ignored-paths.js'

test('paths are returned as they were added, each with its reason', () => {
  const step = (tid: number) => join('/dump', `${tid}`)
  const added: [string, string, string?][] = [
    ['/dump/readme', 'not part of a dump'],
    ...[0, 1, 5].map((tid): [string, string, string] => [join(step(tid), 'head/output_1.pth'), 'further', step(tid)]),
    ['/dump/readme', 'not part of a dump'],
    ['/dump/007.txt', 'not a step folder'],
    ['/dump/8.txt', 'not a step folder'],
    ['/12345678901234567890', 'not a step folder'],
  ]
  const ignored = new IgnoredPaths()
  for (const [path, reason, folder] of added) ignored.add(path, reason, folder)
  const expected = added.map(([path, reason]) => ({ path, reason }))
  expect([...ignored]).toEqual(expected)
  expect(ignored.length).toBe(expected.length)
  expect(ignored.at(3)).toEqual(expected[3])
  expect(ignored.at(expected.length)).toBeUndefined()
})
