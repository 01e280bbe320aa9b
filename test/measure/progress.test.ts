import { afterEach, expect, test } from 'vitest'
import { PROGRESS_VARIABLE, Progress } from '../../src/measure/progress.js'

/** Works through 1,000 tokens of some milliseconds each. @returns the lines, with the time of each */
function lines(millisecondsEach: number): [time: number, line: string][] {
  const written: [number, string][] = []
  let time = 0
  const progress = new Progress(
    1000,
    'compared',
    (line) => written.push([time, line]),
    () => time,
  )
  for (let done = 1; done <= 1000; done++) {
    time += millisecondsEach
    progress.at(done)
  }
  return written
}

afterEach(() => {
  delete process.env[PROGRESS_VARIABLE]
})

test('short work prints nothing', () => {
  expect(lines(4.9)).toEqual([])
})

test('long work prints a line every five seconds, with what is left', () => {
  const written = lines(20)
  expect(written).toEqual([
    [5000, 'golden-logits: 250 of 1000 tokens compared, about 15 s left\n'],
    [10000, 'golden-logits: 500 of 1000 tokens compared, about 10 s left\n'],
    [15000, 'golden-logits: 750 of 1000 tokens compared, about 5 s left\n'],
  ])
  // The end prints nothing: the verdict follows.
  expect(lines(60_000).length).toBe(999)
})

test('off prints nothing', () => {
  process.env[PROGRESS_VARIABLE] = 'off'
  expect(lines(20)).toEqual([])
})
